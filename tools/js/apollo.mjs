// Apollo Client with an authentication link, as its documentation shows it: the token that there is goes
// along with everything.
//
//   node apollo.mjs '{"url": "http://…/graphql", "token": "…", "username": "…", "password": "…"}'
//
// Writes what signing in, refreshing and a query came to as one JSON document.

import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { SetContextLink } from '@apollo/client/link/context';

const { url, token, username, password } = JSON.parse(process.argv[2]);
let current = token;

const auth = new SetContextLink(({ headers }) => ({
  headers: { ...headers, authorization: current ? `Bearer ${current}` : '' },
}));
const client = new ApolloClient({
  link: ApolloLink.from([auth, new HttpLink({ uri: url })]),
  cache: new InMemoryCache(),
});

const told = async (asked) => {
  try {
    return (await asked).data;
  } catch (error) {
    const first = CombinedGraphQLErrors.is(error) ? error.errors[0] : null;
    return { code: first?.extensions?.code ?? null, status: error.statusCode ?? null, text: String(error) };
  }
};

const viewer = () =>
  told(client.query({ query: gql`query { viewer { username } }`, fetchPolicy: 'network-only' }));

const before = await viewer();
const signedIn = await told(
  client.mutate({
    mutation: gql`
      mutation SignIn($input: SignInInput!) {
        signIn(input: $input) { accessToken refreshToken userErrors { code } }
      }
    `,
    variables: { input: { username, password } },
  }),
);
const refreshed = await told(
  client.mutate({
    mutation: gql`
      mutation Refresh($input: RefreshSessionInput!) {
        refreshSession(input: $input) { accessToken viewer { username } userErrors { code } }
      }
    `,
    variables: { input: { refreshToken: signedIn.signIn?.refreshToken } },
  }),
);
current = refreshed.refreshSession?.accessToken;
const after = await viewer();
console.log(JSON.stringify({ before, signedIn, refreshed, after }));
client.stop();
