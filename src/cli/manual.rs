//! The manual page: one page with every command in it, made from the same shapes that read the command line.

use clap::Command;
use clap_mangen::Man;
use std::io;

const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
0
Done. For \fBstatus\fR: healthy. For \fBlease\fR: safe. For \fBdoctor\fR: everything works.
.TP
1
For \fBstatus\fR: degraded. For \fBlease\fR: not safe. For \fBdoctor\fR: something will not work.
.TP
2
For \fBstatus\fR: at risk, one more failure may cost data or guests. For all: the command line was wrong.
.TP
3
It could not do what it was asked; the reason is on the standard error. For \fBstatus\fR: cannot tell.
.SH ENVIRONMENT
.TP
\fBPOOLWATCH_PASSWORD\fR
The password to log in with.
.TP
\fBNO_COLOR\fR
No colours, if it is not empty.
.PP
\fBPOOLWATCH_CONFIG\fR, \fBPOOLWATCH_THEME\fR, \fBPOOLWATCH_COLOURS\fR, \fBPOOLWATCH_ASCII\fR and \fBPOOLWATCH_MOUSE\fR stand for the options of these names.
.SH FILES
\fI~/.config/poolwatch/poolwatch.toml\fR, \fI~/.local/share/poolwatch/known_certificates\fR, \fI~/.local/share/poolwatch/pools/\fR (what is remembered of each pool); \fBpoolwatch doctor\fR says which are used.
"#;

/// The page, in roff.
pub fn page(mut command: Command) -> io::Result<Vec<u8>> {
    command.build();
    let mut page = Vec::new();
    let top = Man::new(command.clone());
    top.render_title(&mut page)?;
    top.render_name_section(&mut page)?;
    top.render_synopsis_section(&mut page)?;
    top.render_description_section(&mut page)?;
    top.render_options_section(&mut page)?;
    // What is global stands above once, not with each command.
    let everywhere: Vec<_> = command.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().clone()).collect();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let own = everywhere.iter().fold(sub.clone(), |sub, id| sub.mut_arg(id, |arg| arg.hide(true)));
        let man = Man::new(own);
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        let section = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
        page.extend(format!(".SH \"POOLWATCH {}\"\n{section}", sub.get_name().to_uppercase()).into_bytes());
    }
    page.extend(EXIT_STATUS.as_bytes());
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::super::args::Cli;
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_and_every_option_is_in_the_manual() {
        let text = String::from_utf8(page(Cli::command()).expect("written")).expect("text");
        for sub in Cli::command().get_subcommands() {
            assert!(text.contains(&format!(".SH \"POOLWATCH {}\"", sub.get_name().to_uppercase())), "{}", sub.get_name());
            for long in sub.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(text.contains(&long.replace('-', "\\-")), "{} --{long}", sub.get_name());
            }
        }
        assert_eq!(text.matches("\\-\\-theme\\fR \\fI<THEME>").count(), 1, "global options stand there once");
    }
}
