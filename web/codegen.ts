import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.draft.graphql",
  documents: ["src/**/*.graphql"],
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        immutableTypes: false,
        defaultScalarType: "unknown",
        scalars: {
          DateTime: "string",
          BigInt: { input: "number", output: "number" },
        },
      },
    },
  },
};

export default config;
