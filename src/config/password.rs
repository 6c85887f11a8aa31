//! Gets a profile's password from where the profile says it is. Blocks; call it before the screen is taken, so that a
//! password manager can ask its own question on the terminal. What it got is in no message and no log.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use secrecy::SecretString;

use super::Password;

/// The most that is read, in bytes. Only the first line counts.
const LIMIT: u64 = 64 * 1024;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file cannot be read.
    #[error("cannot read the password file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The command cannot be started or read.
    #[error("cannot run the password command {program}: {source}. Check password_command; it is run without a shell")]
    Start {
        /// Its first word.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The command ended with an error; what it said about it is on the terminal.
    #[error("the password command {program} failed ({status}); try it by hand")]
    Failed {
        /// Its first word.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// There is no first line, or it is no text.
    #[error("{from} gave no password: its first line {why}")]
    Unusable {
        /// The file or the command.
        from: String,
        /// What is wrong with the line.
        why: &'static str,
    },
}

impl Password {
    /// Fetches it.
    pub fn fetch(&self) -> Result<SecretString, PasswordError> {
        match self {
            Self::File(path) => {
                let fail = |source| PasswordError::File { path: path.clone(), source };
                let mut bytes = vec![];
                File::open(path).map_err(fail)?.take(LIMIT).read_to_end(&mut bytes).map_err(fail)?;
                first_line(bytes).map_err(|why| PasswordError::Unusable { from: path.display().to_string(), why })
            }
            Self::Command(words) => run(words),
        }
    }
}

fn run(words: &[String]) -> Result<SecretString, PasswordError> {
    let program = words.first().cloned().unwrap_or_default();
    let fail = |source| PasswordError::Start { program: program.clone(), source };
    let mut child = Command::new(&program).args(words.iter().skip(1)).stdout(Stdio::piped()).spawn().map_err(fail)?;
    let mut bytes = vec![];
    // Taking the pipe closes it afterwards: a command that never stops writing ends there.
    let read = child.stdout.take().map_or(Ok(0), |output| output.take(LIMIT).read_to_end(&mut bytes));
    let status = child.wait().map_err(fail)?;
    read.map_err(fail)?;
    if !status.success() && (bytes.len() as u64) < LIMIT {
        return Err(PasswordError::Failed { program, status });
    }
    first_line(bytes).map_err(|why| PasswordError::Unusable { from: format!("the password command {program}"), why })
}

fn first_line(bytes: Vec<u8>) -> Result<SecretString, &'static str> {
    let mut text = String::from_utf8(bytes).map_err(|_| "is no UTF-8 text")?;
    let end = text.find(['\n', '\r']).unwrap_or(text.len());
    text.truncate(end);
    match text.len() {
        0 => Err("is empty"),
        1025.. => Err("is longer than 1024 bytes"),
        _ => Ok(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn command(words: &[&str]) -> Result<String, String> {
        let password = Password::Command(words.iter().map(|word| (*word).to_owned()).collect());
        password.fetch().map(|secret| secret.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_first_line_of_what_a_command_prints_counts() {
        assert_eq!(command(&["printf", "s3 cret\\nuser: root\\n"]).unwrap(), "s3 cret");
        assert_eq!(command(&["printf", "x\\r\\n"]).unwrap(), "x");
        assert_eq!(command(&["echo", "$HOME"]).unwrap(), "$HOME", "no shell is involved");
    }

    #[test]
    fn what_goes_wrong_is_said_without_the_password() {
        assert!(command(&["/nonexistent/pass"]).unwrap_err().starts_with("cannot run the password command /nonexistent/pass: "));
        assert!(
            command(&["sh", "-c", "echo hunter2; exit 3"])
                .unwrap_err()
                .starts_with("the password command sh failed (exit status: 3)")
        );
        for words in [&["true"][..], &["printf", "\\n"], &["printf", "\\377hunter2\\n"], &["printf", "%02000dhunter2", "0"]] {
            let error = command(words).unwrap_err();
            assert!(error.contains("gave no password") && !error.contains("hunter2"), "{error}");
        }
        let debug = format!("{:?}", Password::Command(vec!["printf".into(), "hunter2".into()]).fetch().unwrap());
        assert!(!debug.contains("hunter2"), "{debug}");
    }

    #[test]
    fn a_command_that_never_stops_writing_is_cut_off() {
        assert!(command(&["yes", "0123456789"]).is_ok_and(|line| line == "0123456789"));
    }

    #[test]
    fn a_file_gives_its_first_line() {
        let path = std::env::temp_dir().join(format!("poolwatch-password-{}", std::process::id()));
        std::fs::write(&path, "öffne dich\n").unwrap();
        let fetched = Password::File(path.clone()).fetch();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(fetched.unwrap().expose_secret(), "öffne dich");
        let error = Password::File(path).fetch().unwrap_err().to_string();
        assert!(error.starts_with("cannot read the password file "), "{error}");
    }
}
