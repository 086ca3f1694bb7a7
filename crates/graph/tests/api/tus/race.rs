//! Many at once.

use std::collections::BTreeMap;

use super::client::{offset_of, pattern, sender};
use crate::support::Server;

#[test]
fn of_fifty_patches_at_one_offset_one_wins() {
    const SIZE: usize = 100_000;
    let server = Server::start();
    let ann = sender(&server, "ann");
    let path = ann.begin(3 * SIZE);
    let mut kept = Vec::new();
    for offset in [0, SIZE, 2 * SIZE] {
        // Each has bytes of its own, so that a mixture would show.
        let bodies: Vec<Vec<u8>> = (0..50).map(|seed| pattern(SIZE, seed)).collect();
        let answers: Vec<(u16, usize)> = std::thread::scope(|scope| {
            let all: Vec<_> = bodies
                .iter()
                .map(|body| scope.spawn(|| ann.patch(&path, offset, body)))
                .collect();
            all.into_iter()
                .map(|one| one.join().unwrap())
                .map(|answer| (answer.status, offset_of(&answer)))
                .collect()
        });
        let mut count = BTreeMap::new();
        for (status, _) in &answers {
            *count.entry(*status).or_insert(0) += 1;
        }
        assert_eq!(count.get(&204), Some(&1), "{count:?}");
        assert!(
            count.keys().all(|status| [204, 409, 423].contains(status)),
            "{count:?}"
        );
        let winner = answers
            .iter()
            .position(|(status, _)| *status == 204)
            .unwrap();
        assert_eq!(answers[winner].1, offset + SIZE);
        assert_eq!(ann.offset(&path), offset + SIZE);
        kept.extend_from_slice(&bodies[winner]);
    }
    assert_eq!(ann.videos().len(), 1);
    assert!(ann.original(1) == kept);
}

#[test]
fn many_uploads_side_by_side_do_not_mix() {
    let server = Server::start();
    let ann = sender(&server, "ann");
    let bodies: Vec<Vec<u8>> = (0..20)
        .map(|seed| pattern(1_500_000 + seed, seed))
        .collect();
    let ids: Vec<i64> = std::thread::scope(|scope| {
        let all: Vec<_> = bodies
            .iter()
            .map(|body| scope.spawn(|| ann.upload(&[], body)))
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (id, body) in ids.iter().zip(&bodies) {
        assert!(ann.original(*id) == *body, "{id}");
    }
}
