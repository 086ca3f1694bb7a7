//! System calls that decoding and encoding never need, refused by seccomp.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Refused whatever their arguments: other programs, other processes, the network, the kernel.
const REFUSED: &[i64] = &[
    // Starting programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    // Sockets: what may be made is told below; nothing may be reached. The CUDA driver listens on one
    // of this machine and does not start if it cannot, but nobody is let in.
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    // A way around this filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // By path; older versions of Landlock do not know it.
    libc::SYS_truncate,
    // Name spaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_fsconfig,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_quotactl,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Who this process is.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_personality,
];

/// The socket families that may be made: pipes within this process, and the kernel's news of
/// devices, which the lookup of GPUs listens to.
const FAMILIES: [libc::c_int; 2] = [libc::AF_UNIX, libc::AF_NETLINK];

/// Restricts all threads of this process; the error says in words what is missing.
pub(super) fn restrict() -> Result<(), String> {
    let describe = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    for program in [refusals(), old_clone()] {
        let program = program.map_err(|error| describe(&error))?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| describe(&error))?;
    }
    Ok(())
}

/// Makes this kernel look like one without `clone3`, whose flags a filter cannot see: the C
/// library then starts threads by `clone`.
fn old_clone() -> Result<BpfProgram, seccompiler::BackendError> {
    filter([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)
}

fn refusals() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let other_family = FAMILIES
        .iter()
        .map(|family| differs(0, i64::from(*family)))
        .collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(other_family)?]);
    // Signals to its own threads are how a process ends itself.
    let own = i64::from(std::process::id());
    for call in [libc::SYS_tgkill, libc::SYS_rt_tgsigqueueinfo] {
        rules.insert(call, vec![SeccompRule::new(vec![differs(0, own)?])?]);
    }
    // Threads are fine. A process of its own would outlive this one.
    let thread = libc::CLONE_THREAD as u64;
    let no_thread = SeccompCondition::new(
        0,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::MaskedEq(thread),
        0,
    )?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?]);
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_fork, libc::SYS_vfork] {
        rules.insert(call, Vec::new());
    }
    filter(rules, libc::EPERM)
}

/// A filter that answers the calls of `rules` with `errno`.
fn filter(
    mut rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: libc::c_int,
) -> Result<BpfProgram, seccompiler::BackendError> {
    // The same calls by the other numbers that some kernels know them by.
    if cfg!(target_arch = "x86_64") {
        const X32: i64 = 0x4000_0000;
        let again: Vec<_> = rules.iter().map(|(n, r)| (n | X32, r.clone())).collect();
        rules.extend(again);
    }
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(errno as u32),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()
}

/// True of calls whose argument is none of this value.
fn differs(argument: u8, value: i64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        SeccompCmpOp::Ne,
        value as u64,
    )
}
