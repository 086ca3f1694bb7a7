//! Refuses, by seccomp, all system calls but those that decoding and encoding need.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::calls;

/// The socket families that may be made where there is a card: one that its driver listens on, and
/// the kernel's news of devices, which the lookup of cards listens to.
const FAMILIES: [libc::c_int; 2] = [libc::AF_UNIX, libc::AF_NETLINK];

/// Rules by number of the call; a call without rules stands for all its arguments.
type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Restricts all threads of this process; the error says in words what is missing. `cards` if it
/// uses a graphics card.
pub(super) fn restrict(cards: bool) -> Result<(), String> {
    let describe = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    // The list comes last: it has no place for a call that makes further lists.
    for program in [unknown(), allowed(cards)] {
        let program = program.map_err(|error| describe(&error))?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| describe(&error))?;
    }
    Ok(())
}

/// Answers calls as an older kernel would. What the other filter refuses stays refused.
fn unknown() -> Result<BpfProgram, BackendError> {
    let calls = calls::UNKNOWN.iter().copied().chain(calls::NEWER);
    let rules: Rules = calls.map(|call| (call, Vec::new())).collect();
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    filter(rules, SeccompAction::Allow, missing)
}

fn allowed(cards: bool) -> Result<BpfProgram, BackendError> {
    let always = [calls::ALLOWED, calls::ALLOWED_HERE, calls::UNKNOWN].concat();
    let mut rules: Rules = always.into_iter().map(|call| (call, Vec::new())).collect();
    // The other filter has the answer to these.
    rules.extend(calls::NEWER.map(|call| (call, Vec::new())));
    if cards {
        let besides = calls::ALLOWED_FOR_CARDS.iter();
        rules.extend(besides.map(|call| (*call, Vec::new())));
        rules.insert(libc::SYS_socket, one_of(0, &FAMILIES)?);
    }
    rules.insert(libc::SYS_prctl, one_of(0, calls::PRCTL)?);
    rules.insert(libc::SYS_fcntl, one_of(1, calls::FCNTL)?);
    rules.insert(libc::SYS_ioctl, ioctl(cards)?);
    // What is sent goes to the other end of a pair, never to a name.
    let unnamed = condition(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_sendto, rule(vec![unnamed])?);
    // Of processes it reaches itself, and none by its user's or group's number.
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    for call in [
        libc::SYS_kill,
        libc::SYS_tgkill,
        libc::SYS_rt_tgsigqueueinfo,
    ] {
        rules.insert(call, one_of(0, &[own])?);
    }
    for call in [
        libc::SYS_prlimit64,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setattr,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
    ] {
        rules.insert(call, one_of(0, &[0, own])?);
    }
    // By the number of a process, which is the first of the kinds.
    let process = || equals(0, 0);
    rules.insert(
        libc::SYS_setpriority,
        vec![
            SeccompRule::new(vec![process()?, equals(1, 0)?])?,
            SeccompRule::new(vec![process()?, equals(1, own)?])?,
        ],
    );
    // Threads are fine. A process of its own would outlive this one.
    let thread = libc::CLONE_THREAD as u64;
    let is_thread = condition(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(thread),
        thread,
    )?;
    rules.insert(libc::SYS_clone, rule(vec![is_thread])?);
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    filter(rules, refused, SeccompAction::Allow)
}

fn ioctl(cards: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let request = |op, number| condition(1, SeccompCmpArgLen::Dword, op, number);
    if cards {
        let none_of = calls::IOCTL_REFUSED
            .iter()
            .map(|number| request(SeccompCmpOp::Ne, *number))
            .collect::<Result<Vec<_>, _>>()?;
        return rule(none_of);
    }
    calls::IOCTL
        .iter()
        .map(|number| SeccompRule::new(vec![request(SeccompCmpOp::Eq, *number)?]))
        .collect()
}

/// A filter that answers the calls of `rules` with `matched` and all others with `otherwise`. On
/// x86-64, what has a number of the x32 interface is none of them.
fn filter(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let here = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, matched, here)?.try_into()
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<Vec<SeccompRule>, BackendError> {
    Ok(vec![SeccompRule::new(conditions)?])
}

/// One rule for each of `values`.
fn one_of(argument: u8, values: &[i32]) -> Result<Vec<SeccompRule>, BackendError> {
    values
        .iter()
        .map(|value| SeccompRule::new(vec![equals(argument, *value)?]))
        .collect()
}

fn equals(argument: u8, value: i32) -> Result<SeccompCondition, BackendError> {
    let value = u64::from(value.cast_unsigned());
    condition(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn condition(
    argument: u8,
    length: SeccompCmpArgLen,
    op: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, length, op, value)
}
