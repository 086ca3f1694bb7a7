//! `GET /healthz` and `GET /readyz`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clipsy_service::health::check_health;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Free bytes at or below which a disk counts as full.
const FULL_BYTES: u64 = 1 << 20;
const DISK_FULL_WARNING: &str = "A disk is full: uploads are refused and jobs fail. Signing in, \
     editing and deleting still work: delete videos, or make room.";
const DISK_LOW_WARNING: &str = "A disk has less free than the server keeps for what is under way: \
     uploads are refused. Delete videos, or make room.";

const DEMO_WARNING: &str = "This is a demonstration: the default password is good for signing in. \
     Start the server without --demo for anything else.";
const LOCKED_WARNING: &str = "An account has the default password and cannot be used: give it \
     another with `clipsy user passwd`.";
const SANDBOX_WARNING: &str = "Videos are parsed without a complete sandbox; `clipsy doctor` says \
     what is missing.";

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alive {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// State of the server's parts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ready`, `degraded` if only the queue is down, or `unavailable`.
    #[schema(example = "ready")]
    status: &'static str,
    /// `ok` or `failed`.
    #[schema(example = "ok")]
    database: &'static str,
    /// `ok` or `failed`.
    #[schema(example = "ok")]
    media: &'static str,
    /// `ok`, `paused` or `failed`.
    #[schema(example = "ok")]
    queue: &'static str,
    /// Which protections of the sandbox around media parsers are active, or what is missing; omitted
    /// until tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Landlock and seccomp hold: 47 ways out are closed")]
    sandbox: Option<String>,
    /// Problems that the operator should fix.
    warnings: Vec<&'static str>,
}

/// Liveness check.
#[utoipa::path(get, path = "/healthz", tag = "health",
    responses((status = 200, description = "The process is running", body = Alive)))]
pub(crate) async fn healthz() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Readiness check.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses(
        (status = 200, description = "Ready; if `degraded`, videos stay queued",
            body = Readiness),
        (status = 503, description = "The database or media store is unavailable", body = Readiness),
    ))]
pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let health = check_health(&app).await;
    let word = |good| if good { "ok" } else { "failed" };
    let (code, status) = match (health.ready(), health.queue) {
        (true, true) => (StatusCode::OK, "ready"),
        // To send people elsewhere would not help: the queue is the same for all processes.
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let disk = health.free_bytes.and_then(|free| match free {
        free if free < FULL_BYTES => Some(DISK_FULL_WARNING),
        free if free < app.settings.service.reserve_bytes => Some(DISK_LOW_WARNING),
        _ => None,
    });
    let demo = app.settings.service.demo.then_some(DEMO_WARNING);
    let password =
        (health.default_password && !app.settings.service.demo).then_some(LOCKED_WARNING);
    let cage = &app.settings.service.cage;
    let open = cage.is_open().then_some(SANDBOX_WARNING);
    let readiness = Readiness {
        status,
        database: word(health.database),
        media: word(health.media),
        queue: if health.queue && health.paused {
            "paused"
        } else {
            word(health.queue)
        },
        sandbox: cage.words().map(str::to_owned),
        warnings: demo
            .into_iter()
            .chain(password)
            .chain(disk)
            .chain(open)
            .collect(),
    };
    (code, Json(readiness))
}
