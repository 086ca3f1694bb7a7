//! A server with the small schema, and programs that talk to it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use clipsy_dispatch::Dispatch;
use clipsy_domain::clock::{Clock, FixedClock, from_millis};
use clipsy_domain::user::Role;
use clipsy_service::accounts::keys::Keys;
use clipsy_service::accounts::start_session::start_session;
use clipsy_service::{StillError, StillMaker};
use clipsy_storage::media::LocalStore;
use clipsy_storage::{Db, NewUser, sqlite_url};
use clipsy_testkit::http::{self, Answer};
pub(super) use clipsy_testkit::wait_until;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::super::{routes, settings::GraphqlSettings};
use super::schema::{PATIENCE, Shared, small};
use crate::settings::ApiSettings;
use crate::{App, background, rest, server, shell};

/// Takes no pictures.
#[derive(Debug)]
struct NoStills;

#[async_trait::async_trait]
impl StillMaker for NoStills {
    async fn still(&self, _segment: &str, _offset_us: u64) -> Result<Bytes, StillError> {
        Err(StillError::Busy)
    }

    async fn photo(&self, _picture: Bytes) -> Result<Bytes, StillError> {
        Err(StillError::Busy)
    }
}

pub(super) struct Server {
    pub(super) app: App,
    pub(super) address: SocketAddr,
    pub(super) clock: Arc<FixedClock>,
    pub(super) shared: Arc<Shared>,
    pub(super) stop: CancellationToken,
    served: Option<oneshot::Receiver<bool>>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(super) fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub(super) fn start_with(change: impl FnOnce(&mut GraphqlSettings)) -> Self {
        Self::start_as(|settings| change(&mut settings.graphql))
    }

    pub(super) fn start_as(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let clock = Arc::new(FixedClock::new(from_millis(1_705_314_600_000)));
        let mut settings = ApiSettings::default();
        change(&mut settings);
        let url = sqlite_url(&folder.path().join("clipsy.db"));
        let (schema, shared) = small();
        let sdl = schema.sdl();
        let app = runtime.block_on(async {
            let clock: Arc<dyn Clock> = clock.clone();
            let db = Db::connect(&url, Arc::clone(&clock)).await.unwrap();
            db.migrate().await.unwrap();
            let store = Arc::new(LocalStore::open(folder.path().join("media")).unwrap());
            let keys = Keys::new(&[[42; 32]]).unwrap();
            let stills = Arc::new(NoStills);
            let app = App::new(db, store, Dispatch::local(clock), keys, stills, settings).unwrap();
            for (name, role) in [
                ("root", Role::Admin),
                ("ann", Role::User),
                ("bob", Role::User),
            ] {
                let new = NewUser {
                    username: name.into(),
                    email: String::new(),
                    role,
                    password_hash: "none".into(),
                    default_password: false,
                };
                app.db.create_user(new).await.unwrap();
            }
            app
        });
        let router = routes(schema, sdl, &app.settings.graphql)
            .merge(rest::routes())
            .layer(tower_http::catch_panic::CatchPanicLayer::custom(
                shell::panicked,
            ))
            .layer(axum::middleware::from_fn_with_state(
                app.clone(),
                shell::api,
            ))
            .with_state(app.clone());
        let stop = CancellationToken::new();
        let (done, served) = oneshot::channel();
        let address = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(background::run(app.clone(), stop.clone()));
            let (app, stop) = (app.clone(), stop.clone());
            tokio::spawn(async move {
                let _ = done.send(server::serve(listener, router, &app, stop, PATIENCE).await);
            });
            address
        });
        Self {
            app,
            address,
            clock,
            shared,
            stop,
            served: Some(served),
            runtime,
            _folder: folder,
        }
    }

    pub(super) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Stops; true if everything ended in time.
    pub(super) fn end(&mut self) -> bool {
        self.stop.cancel();
        let served = self.served.take().unwrap();
        self.runtime.block_on(served).unwrap()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// An access token of a new session.
    pub(super) fn token(&self, name: &str) -> String {
        self.run(async {
            let (user, _) = self.app.db.user_by_name(name).await.unwrap().unwrap();
            start_session(&self.app, user.id, None)
                .await
                .unwrap()
                .access
        })
    }

    /// Lets the server's clock go on.
    pub(super) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// A request with these headers; status, headers and body.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        http::send(self.address, method, path, headers, body)
    }

    /// A request as JSON that takes the newer type.
    pub(super) fn post(&self, request: &Value) -> Answer {
        self.post_as("application/graphql-response+json", None, request)
    }

    pub(super) fn post_as(&self, accept: &str, token: Option<&str>, request: &Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json"), ("accept", accept)];
        if let Some(bearer) = &bearer {
            headers.push(("authorization", bearer));
        }
        self.send("POST", "/graphql", &headers, request.to_string().as_bytes())
    }

    /// Runs a scenario of `tools/js/graphql.mjs`; what it tells.
    pub(super) fn node(&self, scenario: &str, args: Value) -> Value {
        self.node_start(scenario, args).end()
    }

    /// Starts a scenario with which a test talks line by line.
    pub(super) fn node_start(&self, scenario: &str, mut args: Value) -> Node {
        if args.get("url").is_none() {
            args["url"] = self.url().into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/js/graphql.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(scenario)
            .arg(args.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Node {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    /// The next line that it says.
    pub(super) fn line(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("node said {line:?}: {e}"))
    }

    /// Wakes it.
    pub(super) fn go_on(&mut self) {
        self.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    /// The last line that it says.
    pub(super) fn end(mut self) -> Value {
        let mut last = json!(null);
        for line in self.stdout.lines() {
            last = serde_json::from_str(&line.unwrap()).unwrap();
        }
        assert!(self.child.wait().unwrap().success(), "node failed: {last}");
        last
    }
}
