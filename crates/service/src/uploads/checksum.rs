//! Hashing bytes while they are written.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A way to hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1, which every server of tus has to know.
    Sha1,
    /// SHA-256.
    Sha256,
    /// CRC-32 as in zip files.
    Crc32,
}

impl Algorithm {
    /// All that there are.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Crc32];

    /// The name in tus's `Upload-Checksum`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Crc32 => "crc32",
        }
    }

    /// Bytes of a hash.
    pub fn digest_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Crc32 => 4,
        }
    }
}

/// What bytes must hash to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it was made.
    pub algorithm: Algorithm,
    /// As the algorithm gives it; that of CRC-32 has its highest byte first.
    pub digest: Vec<u8>,
}

/// A hash of the bytes so far.
#[derive(Debug, Clone)]
pub(crate) enum Hash {
    Sha1(Sha1),
    Sha256(Sha256),
    Crc32(crc32fast::Hasher),
}

impl Hash {
    /// Begins with no bytes.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
        }
    }

    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Crc32(hash) => hash.update(bytes),
        }
    }

    /// What the bytes came to.
    pub(crate) fn digest(self) -> Vec<u8> {
        match self {
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Crc32(hash) => hash.finalize().to_be_bytes().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::keys::hex;

    #[test]
    fn hashes_are_the_known_ones() {
        for (algorithm, digest) in [
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Algorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (Algorithm::Crc32, "352441c2"),
        ] {
            let mut hash = Hash::new(algorithm);
            hash.update(b"a");
            hash.update(b"bc");
            let found = hash.digest();
            assert_eq!(found.len(), algorithm.digest_bytes());
            assert_eq!(hex(&found), digest, "{algorithm:?}");
        }
    }
}
