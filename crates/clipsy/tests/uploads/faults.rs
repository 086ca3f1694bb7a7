//! The fault proxy does what it says: otherwise the tests that use it prove nothing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::proxy::{Direction, Fault, Kind, Plan, Proxy};
use crate::support::{HANGS_AFTER, until};

/// What is sent: long enough not to fit into the buffers on the way.
const LENGTH: usize = 32 << 20;
const AFTER: u64 = 1_234_567;

/// A connection through a proxy with this plan: the proxy, the client's end and the server's.
fn connect(plan: Plan) -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap().port(), plan);
    let client = TcpStream::connect(proxy.address()).unwrap();
    let (server, _) = listener.accept().unwrap();
    for end in [&client, &server] {
        end.set_read_timeout(Some(HANGS_AFTER)).unwrap();
        end.set_write_timeout(Some(HANGS_AFTER)).unwrap();
    }
    (proxy, client, server)
}

fn with(kind: Kind, direction: Direction) -> (Proxy, TcpStream, TcpStream) {
    connect(Plan::script([Fault {
        kind,
        direction,
        after: AFTER,
    }]))
}

/// Bytes of which each place has its own.
fn bytes() -> Vec<u8> {
    (0..LENGTH as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

/// Reads to the end: what came, and what kind of error ended it if it was no orderly end.
fn read(mut from: &TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut came = Vec::new();
    let end = from.read_to_end(&mut came).err().map(|e| e.kind());
    (came, end)
}

/// Sends all in the background, as far as it is let.
fn send(to: &TcpStream) -> std::thread::JoinHandle<Option<ErrorKind>> {
    let mut to = to.try_clone().unwrap();
    std::thread::spawn(move || to.write_all(&bytes()).err().map(|e| e.kind()))
}

fn is_reset(end: Option<ErrorKind>) -> bool {
    matches!(
        end,
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted)
    )
}

#[test]
fn without_faults_all_bytes_go_both_ways() {
    let (proxy, client, server) = connect(Plan::smooth());
    let up = send(&client);
    let down = send(&server);
    let echo = {
        let server = server.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut came = vec![0; LENGTH];
            (&server).read_exact(&mut came).unwrap();
            came
        })
    };
    let mut came = vec![0; LENGTH];
    (&client).read_exact(&mut came).unwrap();
    assert!(came == bytes(), "down");
    assert!(echo.join().unwrap() == bytes(), "up");
    assert_eq!((up.join().unwrap(), down.join().unwrap()), (None, None));
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&server), (Vec::new(), None));
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&client), (Vec::new(), None));
    let counts = proxy.counts();
    assert_eq!(counts.up_bytes, LENGTH as u64);
    assert_eq!(counts.down_bytes, LENGTH as u64);
    assert_eq!((counts.connections, counts.cuts()), (1, 0));
}

#[test]
fn a_reset_ends_both_sides_with_an_error() {
    for direction in [Direction::Up, Direction::Down] {
        let (proxy, client, server) = with(Kind::Reset, direction);
        let (from, to) = match direction {
            Direction::Up => (&client, &server),
            Direction::Down => (&server, &client),
        };
        let sent = send(from);
        let (came, end) = read(to);
        assert!(is_reset(end), "{direction:?}: receiver: {end:?}");
        assert!(came.len() as u64 <= AFTER, "{}", came.len());
        assert!(bytes().starts_with(&came));
        assert!(is_reset(sent.join().unwrap()), "{direction:?}: sender");
        assert_eq!((proxy.counts().resets, proxy.counts().cuts()), (1, 1));
    }
}

#[test]
fn a_close_ends_both_sides_orderly_at_its_byte() {
    for direction in [Direction::Up, Direction::Down] {
        let (proxy, client, server) = with(Kind::Close, direction);
        let (from, to) = match direction {
            Direction::Up => (&client, &server),
            Direction::Down => (&server, &client),
        };
        let sent = send(from);
        assert_eq!(read(from), (Vec::new(), None), "{direction:?}: sender");
        let (came, end) = read(to);
        assert_eq!((came.len() as u64, end), (AFTER, None), "{direction:?}");
        assert!(bytes().starts_with(&came));
        to.shutdown(Shutdown::Both).unwrap();
        from.shutdown(Shutdown::Both).unwrap();
        sent.join().unwrap();
        assert_eq!((proxy.counts().closes, proxy.counts().cuts()), (1, 1));
    }
}

#[test]
fn a_stall_resets_the_client_and_leaves_the_server_waiting() {
    let (proxy, client, server) = with(Kind::Stall, Direction::Up);
    let sent = send(&client);
    let mut came = vec![0; usize::try_from(AFTER).unwrap()];
    (&server).read_exact(&mut came).unwrap();
    assert!(bytes().starts_with(&came));
    assert!(is_reset(sent.join().unwrap()));
    // The client is gone, and nothing tells the server.
    server.set_nonblocking(true).unwrap();
    let more = (&server).read(&mut [0; 1]).unwrap_err();
    assert_eq!(more.kind(), ErrorKind::WouldBlock);
    assert_eq!((proxy.counts().stalls, proxy.counts().cuts()), (1, 1));
    server.set_nonblocking(false).unwrap();
    drop(proxy);
    let (rest, _) = read(&server);
    assert_eq!(rest.len(), 0);
}

#[test]
fn a_truncation_takes_the_end_of_one_direction_only() {
    let (proxy, client, server) = with(Kind::Truncate, Direction::Up);
    let sent = send(&client);
    let (came, end) = read(&server);
    assert_eq!((came.len() as u64, end), (AFTER, None));
    assert!(bytes().starts_with(&came));
    assert_eq!(sent.join().unwrap(), None, "all that was sent was taken");
    (&server).write_all(b"answer").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read(&client), (b"answer".to_vec(), None));
    assert_eq!((proxy.counts().truncations, proxy.counts().cuts()), (1, 1));

    let (proxy, client, server) = with(Kind::Truncate, Direction::Down);
    (&client).write_all(b"question").unwrap();
    let mut question = [0; 8];
    (&server).read_exact(&mut question).unwrap();
    assert_eq!(&question, b"question");
    let sent = send(&server);
    let (came, end) = read(&client);
    assert_eq!((came.len() as u64, end), (AFTER, None));
    assert_eq!(sent.join().unwrap(), None, "all that was sent was taken");
    assert_eq!((proxy.counts().truncations, proxy.counts().cuts()), (1, 1));
}

#[test]
fn later_connections_go_where_it_is_aimed() {
    let (proxy, _client, server) = connect(Plan::smooth());
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.aim(other.local_addr().unwrap().port());
    let mut client = TcpStream::connect(proxy.address()).unwrap();
    let (mut there, _) = other.accept().unwrap();
    client.write_all(b"hello").unwrap();
    let mut came = [0; 5];
    there.read_exact(&mut came).unwrap();
    assert_eq!(&came, b"hello");
    // Where nobody listens, the client is told so by the connection's end.
    drop((server, other));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.aim(nobody.local_addr().unwrap().port());
    drop(nobody);
    let lost = TcpStream::connect(proxy.address()).unwrap();
    lost.set_read_timeout(Some(HANGS_AFTER)).unwrap();
    assert_eq!(read(&lost).0, Vec::<u8>::new());
    until("the refusal is counted", || {
        (proxy.counts().refused == 1).then_some(())
    });
}

#[test]
fn a_seed_determines_the_faults() {
    let faults = |seed| {
        let mut plan = Plan::random(seed, 1000);
        (0..1000).map(|n| plan.next(n)).collect::<Vec<_>>()
    };
    let drawn = faults(7);
    assert_eq!(drawn, faults(7));
    assert_ne!(drawn, faults(8));
    assert_eq!(drawn.len(), 1000);
    let drawn = drawn.concat();
    for kind in [Kind::Reset, Kind::Close, Kind::Stall, Kind::Truncate] {
        for direction in [Direction::Up, Direction::Down] {
            let like = |fault: &&Fault| (fault.kind, fault.direction) == (kind, direction);
            let count = drawn.iter().filter(like).count();
            assert!(count > 50, "{kind:?} {direction:?}: {count}");
        }
    }
    let ups = || drawn.iter().filter(|f| f.direction == Direction::Up);
    assert_eq!(ups().count(), 1000, "no connection is spared");
    assert!(ups().any(|fault| fault.after < 300), "headers are hit");
    assert!(ups().any(|fault| fault.after > 200 << 10), "far ones, too");
    assert_eq!(Plan::random(7, 1000).next(1000), [], "then all is well");
}

#[test]
fn trusting_clients_get_no_half_answers_for_whole_ones() {
    let mut plan = Plan::random(7, 1000).for_trusting_clients();
    let drawn: Vec<Fault> = (0..1000).flat_map(|n| plan.next(n)).collect();
    let orderly = |fault: &&Fault| matches!(fault.kind, Kind::Close | Kind::Truncate);
    let orderly: Vec<&Fault> = drawn.iter().filter(orderly).collect();
    assert!(orderly.len() > 100);
    assert!(orderly.iter().all(|f| f.direction == Direction::Up));
}
