import './workers.js';
import 'graphiql/style.css';
import './style.css';

import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { createFetcher } from './fetcher.js';
import { signIn } from './session.js';

const FIRST_QUERY = `# Sign in above to act as somebody. Subscriptions work, too.
# Ctrl-Space completes; the book on the left describes everything.

query Hello {
  __typename
}
`;

function SignIn({ onSession }) {
  const [message, setMessage] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    try {
      onSession(await signIn(form.get('username'), form.get('password')));
    } catch (error) {
      setMessage(error.message);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
      <span role="alert">{message}</span>
      <input name="username" aria-label="User name" placeholder="User name" autoComplete="username" required />
      <input name="password" aria-label="Password" placeholder="Password" type="password" autoComplete="current-password" required />
      <button disabled={busy}>Sign in</button>
    </form>
  );
}

function SignedIn({ session, onEnd }) {
  const end = () => session.end().catch(() => {}).finally(onEnd);
  return (
    <div className="who">
      <span>Signed in as {session.username}</span>
      <button type="button" onClick={end}>Sign out</button>
    </div>
  );
}

function Page() {
  const [session, setSession] = useState();
  const { fetcher, dispose } = useMemo(() => createFetcher(session), [session]);
  useEffect(() => () => void dispose(), [dispose]);
  return (
    <>
      <header className="bar">
        <strong>Clipsy GraphiQL</strong>
        {session ? (
          <SignedIn session={session} onEnd={() => setSession(undefined)} />
        ) : (
          <SignIn onSession={setSession} />
        )}
      </header>
      <main>
        <GraphiQL fetcher={fetcher} defaultQuery={FIRST_QUERY} plugins={[HISTORY_PLUGIN]} />
      </main>
    </>
  );
}

createRoot(document.getElementById('page')).render(<Page />);
