//! Who runs a round, and what it is called.

/// `user@machine`, as claims and journals name us.
pub fn owner() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = user.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
    let uname = rustix::system::uname();
    let machine = uname.nodename().to_string_lossy();
    let machine = if machine.is_empty() { "unknown" } else { machine.as_ref() };
    crate::text::clean(&format!("{user}@{machine}"), 100).into_owned()
}

/// A name for a run: short enough to say on the telephone, and nobody else's.
pub fn run_name() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..7).map(|_| char::from(LETTERS.get(fastrand::usize(..LETTERS.len())).copied().unwrap_or(b'x'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_names_of_their_own_and_owners_a_machine() {
        assert_ne!(run_name(), run_name());
        assert_eq!(run_name().len(), 7);
        assert!(owner().split_once('@').is_some_and(|(user, machine)| !user.is_empty() && !machine.is_empty()));
    }
}
