//! The workers belong to everybody.

use crate::support::server::on;
use crate::support::{scratch, shares, turn::turn};

#[test]
fn accounts_take_turns_on_one_machine() {
    let _turn = turn();
    let folder = scratch();
    let server = on(&folder.path().join("state")).args(&["--jobs", "1"]).up();
    shares::take_turns(&server);
    server.stop();
}
