import type { CodegenConfig } from "@graphql-codegen/cli";

const output = (documents: string[]) => ({
  preset: "client" as const,
  documents,
  presetConfig: { fragmentMasking: false },
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    defaultScalarType: "unknown",
    scalars: { DateTime: "string", BigInt: "number" },
  },
});

const config: CodegenConfig = {
  schema: "../schema.graphql",
  generates: {
    // What only administrators load is apart, so that nobody else has to.
    "src/gql/": output(["src/**/*.graphql", "!src/api/admin.graphql"]),
    "src/gql/admin/": output(["src/api/admin.graphql", "src/api/fragments.graphql", "src/api/retry.graphql"]),
  },
};

export default config;
