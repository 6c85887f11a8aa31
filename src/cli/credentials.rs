//! Where a password comes from: `--password-file`, `POOLWATCH_PASSWORD`, the profile, or a prompt; never an argument.
//!
//! Nothing here prints, logs or keeps it: it goes from its source into [`Credentials`].

use crate::config::Password;
use crate::xenapi::session::Credentials;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that a password can be in.
pub const VARIABLE: &str = "POOLWATCH_PASSWORD";
/// A password file or a command's output is not read further than this, in bytes.
const LONGEST: u64 = 4_096;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentences say it")]
pub enum PasswordError {
    #[error("cannot read the password file {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the password file {} has an empty first line", .0.display())]
    EmptyFile(PathBuf),
    #[error("cannot run the profile's password command {program:?}: {source}")]
    Command { program: String, source: io::Error },
    #[error("the profile's password command {program:?} {how}")]
    CommandFailed { program: String, how: String },
    #[error(
        "no password for {0}. Put it into {VARIABLE} or into a file for --password-file, or name a password_command in a profile; \
         on a terminal it is asked for"
    )]
    None(String),
    #[error("cannot ask for the password of {whom}: {source}")]
    Prompt { whom: String, source: io::Error },
}

/// The credentials of `user` at the pool that the operator calls `pool`.
pub fn find(user: &str, pool: &str, file: Option<&Path>, profile: Option<&Password>) -> Result<Credentials, PasswordError> {
    let whom = format!("{user}@{pool}");
    let password = match (file, std::env::var(VARIABLE), profile) {
        (Some(file), _, _) => from_file(file)?,
        (None, Ok(password), _) => password,
        (None, Err(_), Some(Password::File(file))) => from_file(file)?,
        (None, Err(_), Some(Password::Command(words))) => from_command(words)?,
        (None, Err(_), None) => ask(&whom)?,
    };
    Ok(Credentials::new(user, password))
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or(&[]);
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

fn from_file(path: &Path) -> Result<String, PasswordError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|source| PasswordError::File { path: path.to_owned(), source })?;
    file.take(LONGEST).read_to_end(&mut bytes).map_err(|source| PasswordError::File { path: path.to_owned(), source })?;
    let line = first_line(&bytes);
    if line.is_empty() { Err(PasswordError::EmptyFile(path.to_owned())) } else { Ok(line) }
}

fn from_command(words: &[String]) -> Result<String, PasswordError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(PasswordError::CommandFailed { program: String::new(), how: "is empty".into() });
    };
    let failed = |how: String| PasswordError::CommandFailed { program: program.clone(), how };
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .stdin(Stdio::inherit())
        .output()
        .map_err(|source| PasswordError::Command { program: program.clone(), source })?;
    if !output.status.success() {
        return Err(failed(format!("failed: {}", output.status)));
    }
    let line = first_line(&output.stdout);
    if line.is_empty() { Err(failed("printed nothing".into())) } else { Ok(line) }
}

fn ask(whom: &str) -> Result<String, PasswordError> {
    if !io::stdin().is_terminal() {
        return Err(PasswordError::None(whom.to_owned()));
    }
    rpassword::prompt_password(format!("Password of {whom}: ")).map_err(|source| PasswordError::Prompt { whom: whom.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        assert_eq!(first_line(b"secret\r\nsecond\n"), "secret");
        assert_eq!(first_line(b" with blanks "), " with blanks ");
        assert_eq!(first_line(b""), "");
    }

    #[test]
    fn a_commands_first_line_is_the_password_and_a_failing_command_is_named() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(from_command(&words(&["printf", "abc\\ndef"])).expect("runs"), "abc");
        let error = from_command(&words(&["false"])).expect_err("fails").to_string();
        assert!(error.contains("\"false\""), "{error}");
        assert!(from_command(&words(&["true"])).expect_err("prints nothing").to_string().contains("printed nothing"));
        assert!(from_command(&words(&["/no/such/program"])).is_err());
        assert!(from_file(Path::new("/no/such/file")).expect_err("is not there").to_string().contains("/no/such/file"));
    }
}
