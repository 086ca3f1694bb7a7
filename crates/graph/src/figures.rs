//! Figures that are read off and not counted, for those who operate the service.

use metrics::gauge;

use crate::app::App;

/// Sets the metrics of this process, without any query.
pub fn observe(app: &App) {
    gauge!("clipsy_uploads_in_progress").set(app.uploads.in_progress() as f64);
    for pool in app.db.connections() {
        for (state, count) in [("in_use", pool.in_use), ("idle", pool.idle)] {
            gauge!("clipsy_database_connections", "pool" => pool.pool, "state" => state)
                .set(count as f64);
        }
        gauge!("clipsy_database_connections_max", "pool" => pool.pool).set(pool.most as f64);
    }
}
