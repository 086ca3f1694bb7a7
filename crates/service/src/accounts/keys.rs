//! The secrets that tokens are signed with.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest as _, Sha256};

/// Shortest secret in bytes: as long as the hash that HS256 uses (RFC 7518 section 3.2).
pub const SECRET_BYTES: usize = 32;

/// The secrets for HS256. The first one signs; all of them verify, so that a new one can be added
/// in front without ending all sessions.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: String,
    sign: EncodingKey,
    check: DecodingKey,
}

/// Secrets that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There are none.
    #[error("there is no signing key")]
    None,
    /// One is too short to be safe.
    #[error("a signing key has {0} bytes; at least {SECRET_BYTES} are needed")]
    Short(usize),
    /// The file holds something else.
    #[error("{0}: not a file of signing keys: each line must be hexadecimal")]
    Format(String),
    /// The file cannot be read or made.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|k| &k.id))
            .finish()
    }
}

impl Keys {
    /// Keys of these secrets, of which the first one signs.
    pub fn new<S: AsRef<[u8]>>(secrets: &[S]) -> Result<Self, KeysError> {
        if secrets.is_empty() {
            return Err(KeysError::None);
        }
        secrets
            .iter()
            .map(AsRef::as_ref)
            .map(|secret| {
                if secret.len() < SECRET_BYTES {
                    return Err(KeysError::Short(secret.len()));
                }
                Ok(Key {
                    id: hex(&Sha256::digest(secret)[..6]),
                    sign: EncodingKey::from_secret(secret),
                    check: DecodingKey::from_secret(secret),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Reads the keys in `file`, one per line in hexadecimal. A missing file is created with a
    /// random key, readable by its owner only.
    pub fn load_or_create(file: &Path) -> Result<Self, KeysError> {
        let path = file.display().to_string();
        let text = read_or_create(file).map_err(|source| KeysError::Io {
            path: path.clone(),
            source,
        })?;
        let secrets: Vec<Vec<u8>> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(unhex)
            .collect::<Option<_>>()
            .ok_or(KeysError::Format(path))?;
        Self::new(&secrets)
    }

    /// Number and secret of the key that signs.
    pub fn signing(&self) -> Option<(&str, &EncodingKey)> {
        self.0.first().map(|key| (key.id.as_str(), &key.sign))
    }

    /// The secret of that number.
    pub fn checking(&self, id: &str) -> Option<&DecodingKey> {
        self.0.iter().find(|key| key.id == id).map(|key| &key.check)
    }
}

/// Of several processes that start at once on a new folder, all end up with the same file.
fn read_or_create(file: &Path) -> io::Result<String> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let temporary = file.with_extension(format!("{}.tmp", uuid::Uuid::new_v4().simple()));
    let mut new = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    new.write_all(format!("{}\n", hex(&secret)).as_bytes())?;
    new.sync_all()?;
    // A link never replaces what another process has put there meanwhile.
    let linked = std::fs::hard_link(&temporary, file);
    std::fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some(folder) = file.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    std::fs::read_to_string(file)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_file_is_made_once_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwt.key");
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let file = file.clone();
                std::thread::spawn(move || Keys::load_or_create(&file).unwrap())
            })
            .collect();
        let ids: std::collections::HashSet<_> = threads
            .into_iter()
            .map(|t| t.join().unwrap().0[0].id.clone())
            .collect();
        assert_eq!(ids.len(), 1);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn unusable_keys_are_refused() {
        assert!(matches!(Keys::new::<&[u8]>(&[]), Err(KeysError::None)));
        assert!(matches!(Keys::new(&[[7; 31]]), Err(KeysError::Short(31))));
        let folder = tempfile::tempdir().unwrap();
        for (text, good) in [
            ("", false),
            ("xyz\n", false),
            ("abc\n", false),
            ("ab\n", false),
        ] {
            let file = folder.path().join("key");
            std::fs::write(&file, text).unwrap();
            assert_eq!(Keys::load_or_create(&file).is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn a_new_key_in_front_leaves_the_old_one_good() {
        let old = Keys::new(&[[1; 32]]).unwrap();
        let both = Keys::new(&[[2; 32], [1; 32]]).unwrap();
        let (old_id, _) = old.signing().unwrap();
        assert!(both.checking(old_id).is_some());
        assert_ne!(both.signing().unwrap().0, old_id);
        assert!(!format!("{both:?}").contains("0202"));
    }
}
