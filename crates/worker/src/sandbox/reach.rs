//! System calls that reach beyond this process, tried as an attacker would. Each is tried so that
//! nothing changes if it is not refused.
#![expect(
    unsafe_code,
    reason = "an attacker makes system calls by number, and so does who tries whether they are refused"
)]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use libc::{c_long, pid_t};

/// More than any job may take.
const TOO_MUCH: c_long = 64 << 30;

/// Makes a system call by number.
fn call(number: c_long, arguments: [c_long; 6]) -> io::Result<c_long> {
    let of = arguments;
    // SAFETY: whoever calls this hands over numbers, null pointers, or pointers to what outlives the
    // call and is as large as the kernel takes it to be.
    let result = unsafe { libc::syscall(number, of[0], of[1], of[2], of[3], of[4], of[5]) };
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn done(number: c_long, arguments: [c_long; 6]) -> io::Result<()> {
    call(number, arguments).map(drop)
}

/// What may be done to the process `other`, by what it is called.
pub(super) fn process(other: pid_t) -> Vec<(&'static str, io::Result<()>)> {
    let pid = c_long::from(other);
    let mut cores = [0_u8; 1024];
    let (length, mask) = (1024, cores.as_mut_ptr() as c_long);
    let on_cores = call(libc::SYS_sched_getaffinity, [pid, length, mask, 0, 0, 0]);
    let nice = call(libc::SYS_getpriority, [0, pid, 0, 0, 0, 0]);
    // The call gives 20 less the value, so as not to give negative numbers.
    let nice = 20 - nice.unwrap_or(20);
    vec![
        (
            "see its limits",
            done(libc::SYS_prlimit64, [pid, 7, 0, 0, 0, 0]),
        ),
        (
            "set its priority",
            done(libc::SYS_setpriority, [0, pid, nice, 0, 0, 0]),
        ),
        (
            "set its cores",
            done(
                libc::SYS_sched_setaffinity,
                [pid, on_cores.unwrap_or(length), mask, 0, 0, 0],
            ),
        ),
        (
            "set its order on disks",
            done(libc::SYS_ioprio_set, [1, pid, 0, 0, 0, 0]),
        ),
        ("signal it", done(libc::SYS_kill, [pid, 0, 0, 0, 0, 0])),
        (
            "get hold of it",
            done(libc::SYS_pidfd_open, [pid, 0, 0, 0, 0, 0]),
        ),
    ]
}

/// What may be done to the file `path` besides opening it.
pub(super) fn file(path: &Path) -> Vec<(&'static str, io::Result<()>)> {
    use std::os::unix::fs::MetadataExt as _;

    let mode = std::fs::metadata(path).map_or(0o600, |facts| facts.mode() & 0o7777);
    let Ok(name) = CString::new(path.as_os_str().as_bytes()) else {
        return Vec::new();
    };
    let (here, name) = (c_long::from(libc::AT_FDCWD), name.as_ptr() as c_long);
    let omit = libc::timespec {
        tv_sec: 0,
        tv_nsec: libc::UTIME_OMIT,
    };
    let times = [omit, omit];
    let times = times.as_ptr() as c_long;
    let attribute = c"user.clipsy-self-test".as_ptr() as c_long;
    vec![
        (
            "set the mode of",
            done(libc::SYS_fchmodat, [here, name, mode.into(), 0, 0, 0]),
        ),
        (
            "give away",
            done(libc::SYS_fchownat, [here, name, -1, -1, 0, 0]),
        ),
        (
            "set the times of",
            done(libc::SYS_utimensat, [here, name, times, 0, 0, 0]),
        ),
        (
            "set attributes of",
            done(libc::SYS_removexattr, [name, attribute, 0, 0, 0, 0]),
        ),
    ]
}

/// What else there is, by what it is called. With a card a few of them have to work.
pub(super) fn others(cards: bool) -> Vec<(&'static str, io::Result<()>)> {
    let parent_death = c_long::from(libc::PR_SET_PDEATHSIG);
    let kill = c_long::from(libc::SIGKILL);
    let own = c_long::from(std::process::id());
    let owner = c_long::from(libc::F_SETOWN);
    let mut tried = vec![
        (
            "outlive the server",
            done(libc::SYS_prctl, [parent_death, kill, 0, 0, 0, 0]),
        ),
        (
            "have signals sent",
            done(libc::SYS_fcntl, [0, owner, own, 0, 0, 0]),
        ),
        (
            "share memory by number",
            done(libc::SYS_shmget, [0x636c_6970, 1, 0, 0, 0, 0]),
        ),
        ("send datagrams to a name", datagram()),
        (
            "make rings of calls",
            unknown(done(libc::SYS_io_uring_setup, [0; 6])),
        ),
    ];
    if cfg!(target_arch = "x86_64") {
        const X32: c_long = 0x4000_0000;
        tried.push((
            "call by other numbers",
            done(X32 | libc::SYS_getppid, [0; 6]),
        ));
    }
    if !cards {
        tried.push(("take 64 GiB of memory", memory()));
        tried.push(("make memory without a name", memfd()));
    }
    tried
}

/// A call that this kernel is to pretend not to have.
fn unknown(result: io::Result<()>) -> io::Result<()> {
    result.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSYS) => io::ErrorKind::PermissionDenied.into(),
        _ => error,
    })
}

fn memory() -> io::Result<()> {
    let protection = c_long::from(libc::PROT_READ | libc::PROT_WRITE);
    let flags = c_long::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE);
    let taken = call(libc::SYS_mmap, [0, TOO_MUCH, protection, flags, -1, 0]);
    match taken {
        Ok(address) => done(libc::SYS_munmap, [address, TOO_MUCH, 0, 0, 0, 0]),
        // It is the limit that says so.
        Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        Err(error) => Err(error),
    }
}

fn memfd() -> io::Result<()> {
    let name = c"clipsy-self-test".as_ptr() as c_long;
    let made = call(libc::SYS_memfd_create, [name, 0, 0, 0, 0, 0])?;
    done(libc::SYS_close, [made, 0, 0, 0, 0, 0])
}

/// Sends one to a name that nobody has.
fn datagram() -> io::Result<()> {
    let mut pair = [0_i32; 2];
    let (family, kind) = (c_long::from(libc::AF_UNIX), c_long::from(libc::SOCK_DGRAM));
    let ends = pair.as_mut_ptr() as c_long;
    done(libc::SYS_socketpair, [family, kind, 0, ends, 0, 0])?;
    // The family, and a name without a path.
    let mut name = [0_u8; 16];
    name[..2].copy_from_slice(&(libc::AF_UNIX as u16).to_ne_bytes());
    name[3..].copy_from_slice(b"clipsy-nobody");
    let (text, to) = (c"x".as_ptr() as c_long, name.as_ptr() as c_long);
    let sent = done(libc::SYS_sendto, [pair[0].into(), text, 1, 0, to, 16]);
    for end in pair {
        done(libc::SYS_close, [end.into(), 0, 0, 0, 0, 0])?;
    }
    sent
}
