//! One connection of the proxy: bytes go both ways until an end or a fault.

use std::future::pending;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::plan::{Direction, Fault, Kind};
use super::{Counts, Shared};

/// How long what is thrown away is still taken from its sender.
const SWALLOW_FOR: Duration = Duration::from_secs(30);

/// Why a direction is over.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Its sender is done, and its receiver was told so.
    Done,
    /// Its sender or receiver is gone.
    Broken,
    /// The fault's place is reached.
    Fault,
}

/// Hands bytes on in both directions until both are over or one of the faults comes about.
pub(super) async fn run(
    mut client: TcpStream,
    mut server: TcpStream,
    faults: &[Fault],
    stall_for: Duration,
    shared: &Shared,
) {
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let met = forward(&mut client, &mut server, faults, shared).await;
    let Some(fault) = met else {
        return;
    };
    shared.count(|counts| *counter(counts, fault.kind) += 1);
    match fault.kind {
        Kind::Reset => {
            let _ = client.set_zero_linger();
            let _ = server.set_zero_linger();
        }
        Kind::Close => {
            // A socket that is closed with unread bytes in it sends RST: so they are read.
            let _ = tokio::join!(client.shutdown(), server.shutdown());
            tokio::join!(swallow(&mut client), swallow(&mut server));
        }
        Kind::Stall => {
            sleep(stall_for).await;
            let _ = client.set_zero_linger();
            drop(client);
            pending::<()>().await;
        }
        Kind::Truncate => {
            let (mut from, mut to) = match fault.direction {
                Direction::Up => (client, server),
                Direction::Down => (server, client),
            };
            let _ = to.shutdown().await;
            let (mut from_read, mut from_write) = from.split();
            let (mut to_read, _) = to.split();
            let back = pump(&mut to_read, &mut from_write, None, |bytes| {
                count_bytes(shared, opposite(fault.direction), bytes);
            });
            tokio::join!(swallow(&mut from_read), timeout(SWALLOW_FOR, back))
                .1
                .ok();
        }
    }
}

/// The fault whose place was reached first, unless both directions were over before.
async fn forward(
    client: &mut TcpStream,
    server: &mut TcpStream,
    faults: &[Fault],
    shared: &Shared,
) -> Option<Fault> {
    let of = |direction| faults.iter().find(|fault| fault.direction == direction);
    let limit = |direction| of(direction).map(|fault| fault.after);
    let (mut client_read, mut client_write) = client.split();
    let (mut server_read, mut server_write) = server.split();
    let up = pump(
        &mut client_read,
        &mut server_write,
        limit(Direction::Up),
        |bytes| count_bytes(shared, Direction::Up, bytes),
    );
    let down = pump(
        &mut server_read,
        &mut client_write,
        limit(Direction::Down),
        |bytes| count_bytes(shared, Direction::Down, bytes),
    );
    tokio::pin!(up, down);
    let (mut up_over, mut down_over) = (false, false);
    while !(up_over && down_over) {
        let (direction, end) = tokio::select! {
            end = &mut up, if !up_over => { up_over = true; (Direction::Up, end) }
            end = &mut down, if !down_over => { down_over = true; (Direction::Down, end) }
        };
        match end {
            End::Done => {}
            End::Broken => return None,
            End::Fault => return of(direction).copied(),
        }
    }
    None
}

/// Hands on what `from` sends, at most `limit` bytes of it.
async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    limit: Option<u64>,
    count: impl Fn(u64),
) -> End {
    let mut buffer = vec![0; 64 << 10];
    let mut left = limit;
    loop {
        if left == Some(0) {
            return End::Fault;
        }
        let Ok(read) = from.read(&mut buffer).await else {
            return End::Broken;
        };
        if read == 0 {
            return match to.shutdown().await {
                Ok(()) => End::Done,
                Err(_) => End::Broken,
            };
        }
        let on = left.map_or(read, |left| read.min(usize::try_from(left).unwrap_or(read)));
        if to.write_all(&buffer[..on]).await.is_err() {
            return End::Broken;
        }
        count(on as u64);
        left = left.map(|left| left - on as u64);
    }
}

/// Throws away what `from` still sends.
async fn swallow(from: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = vec![0; 64 << 10];
    let _ = timeout(SWALLOW_FOR, async {
        while matches!(from.read(&mut buffer).await, Ok(1..)) {}
    })
    .await;
}

fn count_bytes(shared: &Shared, direction: Direction, bytes: u64) {
    shared.count(|counts| match direction {
        Direction::Up => counts.up_bytes += bytes,
        Direction::Down => counts.down_bytes += bytes,
    });
}

fn counter(counts: &mut Counts, kind: Kind) -> &mut u64 {
    match kind {
        Kind::Reset => &mut counts.resets,
        Kind::Close => &mut counts.closes,
        Kind::Stall => &mut counts.stalls,
        Kind::Truncate => &mut counts.truncations,
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    }
}
