// Signing in. The tokens stay in memory: who reloads the page signs in again.

/** Seconds before its end at which a token is exchanged for a fresh one. */
const MARGIN_S = 30;

async function post(path, body, token) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `The server answered ${response.status}.`);
  return answer;
}

const expiry = (token) => {
  const [, claims] = token.split('.');
  const text = atob(claims.replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(text).exp;
};

/** Begins a session. */
export async function signIn(username, password) {
  let pair = await post('/api/auth/login/', { username, password });
  let refreshing;
  const refresh = async () => {
    const next = await post('/api/auth/refresh/', { refresh: pair.refresh });
    pair = { ...pair, ...next };
  };
  return {
    username,
    /** An access token that is good for a while. */
    async token() {
      if (expiry(pair.access) - MARGIN_S < Date.now() / 1000) {
        // One exchange for all who wait.
        refreshing ??= refresh().finally(() => (refreshing = undefined));
        await refreshing;
      }
      return pair.access;
    },
    end: () => post('/api/auth/logout/', { refresh: pair.refresh }, pair.access),
  };
}
