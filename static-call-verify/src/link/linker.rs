//! The linker role: links with a table, stamps the image, prints a report.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::{CommandExt, parent_id};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, exit};
use std::{env, fmt, fs, thread};

use super::args::{self, ANSWER, LinkArgs, TRIAL};
use super::install::{BFD, REAL_LD};
use super::scratch::{self, Scratch, without_scratch};
use super::side_files;
use super::user_linker::{Choice, Told};
use crate::atomic_file;
use crate::elf::file::read as read_image;
#[cfg(feature = "lines")]
use crate::lines;
#[cfg(not(feature = "lines"))]
use crate::no_lines as lines;
use crate::policy::settings::{LINE_FILE, Settings};
use crate::policy::{FindingKey, Level, Policy};
use crate::render::text::BuildLine;
use crate::report::{Finding, Report};
use crate::search::decode;
use crate::stamp::{Stamped, stamp_parts};
use crate::table::capacity::{self, Capacity};
use crate::table::object;
use crate::verify::verify;

/// Maximum number of findings printed for one image.
const MOST_PRINTED: usize = 20;

/// Runs the link that the command line describes, as the executable in `dir`, and exits.
pub(crate) fn main(dir: &Path) -> ! {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    if args.iter().any(|a| a == TRIAL) {
        println!("{ANSWER}");
        exit(0);
    }
    let settings = Settings::of_hook(dir);
    let linker = match linker(&settings) {
        Ok(linker) => linker,
        Err(name) => {
            eprintln!(
                "static-call: cannot find the linker `{name}` in the driver's directories or PATH"
            );
            exit(1);
        }
    };
    let expanded = args::expand(&args, &|path| fs::read_to_string(path).ok());
    let line = LinkArgs::parse(&expanded);
    // `-o /dev/null` and the like.
    let is_special = fs::metadata(&line.output).is_ok_and(|m| !m.is_file());
    let capacity = if line.is_foreign || is_special { None } else { capacity::of(&line.inputs) };
    let Some(capacity) = capacity else { become_linker(&linker, &args) };
    let link = Link { linker: &linker, args: &args, line: &line, settings: &settings };
    match link.run(capacity) {
        Ok(()) => exit(0),
        Err(Failure::Denied(count)) => {
            let _ = fs::remove_file(&line.output);
            let s = if count == 1 { " is" } else { "s are" };
            eprintln!(
                "static-call: {count} finding{s} denied: {} was not created",
                line.output.display()
            );
            exit(1);
        }
        Err(why) if settings.is_strict() => {
            let _ = fs::remove_file(&line.output);
            eprintln!("static-call: error: {why}");
            exit(1);
        }
        Err(why) => {
            eprintln!("static-call: warning: {why}: linking without a table");
            link.without_table()
        }
    }
}

/// Why there is no stamped image.
#[derive(Debug)]
enum Failure {
    Denied(usize),
    Run {
        linker: PathBuf,
        source: io::Error,
    },
    Link {
        status: std::process::ExitStatus,
        stderr: String,
    },
    File {
        path: PathBuf,
        source: io::Error,
    },
    /// The table is too small after [`LINKS`] links.
    Growing(u32),
    Stamp(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(count) => write!(f, "{count} findings are denied"),
            Self::Run { linker, source } => write!(f, "cannot run {}: {source}", linker.display()),
            Self::Link { status, stderr } => {
                write!(f, "the link with a table failed ({status}): {stderr}")
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Growing(needed) => {
                write!(f, "the table is too small after {LINKS} links: it needs {needed} entries")
            }
            Self::Stamp(why) => write!(f, "cannot stamp the image: {why}"),
        }
    }
}

/// Maximum number of links until the table is big enough. Usually one is enough; two if the inputs
/// are bitcode.
const LINKS: usize = 3;

struct Link<'a> {
    linker: &'a Path,
    args: &'a [OsString],
    line: &'a LinkArgs,
    settings: &'a Settings,
}

impl Link<'_> {
    /// Makes the image in another place, so that it appears either stamped or not at all.
    fn run(&self, mut capacity: Capacity) -> Result<(), Failure> {
        scratch::remove_leftovers(&self.line.output);
        let scratch = Scratch::new(&self.line.output).map_err(|e| file(&self.line.output, e))?;
        let (object, image) = (scratch.object(), scratch.image());
        let mut policy = self.settings.policy();
        policy.set_source_lines(self.settings.report.is_some());
        let has_names = self.settings.has_names() && !self.line.strips_symbols;
        for _ in 0..LINKS {
            let room = capacity.room(has_names);
            fs::write(&object, object::noted(room, &policy, self.settings.compiled))
                .map_err(|e| file(&self.line.output, e))?;
            let messages = self.link(Some(&object), &image)?;
            let read = read_image(&image, lines::AVAILABLE && policy.source_lines());
            let mut bytes = read.map_err(|e| file(&self.line.output, e))?;
            let stamped = catch_unwind(AssertUnwindSafe(|| stamp_parts(&mut bytes, &policy)));
            let (report, stamped, parts) =
                stamped.map_err(|_| Failure::Stamp("the verifier panicked".into()))?;
            match stamped {
                Stamped::TooSmall { needed, .. } => {
                    let labels = u32::try_from(report.labels.len()).unwrap_or(u32::MAX);
                    capacity = Capacity { entries: needed, labels };
                    continue;
                }
                Stamped::Done { .. } => atomic_file::write_parts(&image, &bytes, &parts)
                    .map_err(|e| file(&self.line.output, e))?,
                Stamped::NothingToDo => {}
                other => self.unstamped(other)?,
            }
            forward(&messages);
            self.report(report, &image, &policy)?;
            return self.persist(scratch);
        }
        Err(Failure::Growing(capacity.entries))
    }

    /// Links without a table. Here too the image appears either complete or not at all.
    fn without_table(&self) -> ! {
        let Ok(scratch) = Scratch::new(&self.line.output) else {
            // No directory can be made next to the output: the linker will report why.
            become_linker(self.linker, self.args);
        };
        let code = match self.link(None, &scratch.image()) {
            Ok(messages) => {
                forward(&messages);
                self.persist(scratch).map_or_else(|why| failed(&why), |()| 0)
            }
            Err(Failure::Link { status, stderr }) => {
                drop(scratch);
                eprintln!("{stderr}\nstatic-call: error: the link failed ({status})");
                status.code().unwrap_or(1)
            }
            Err(why) => {
                drop(scratch);
                failed(&why)
            }
        };
        exit(code)
    }

    /// Moves the image to its place, and before it the other files that the linker wrote.
    fn persist(&self, scratch: Scratch) -> Result<(), Failure> {
        side_files::finish(&self.line.side_files, &self.line.output, &scratch);
        scratch.persist().map_err(|e| file(&self.line.output, e))
    }

    fn link(&self, object: Option<&Path>, image: &Path) -> Result<Output, Failure> {
        let mut command = Command::new(self.linker);
        // All linkers use the last `-o`.
        command.args(self.args).args(object).arg("-o").arg(image);
        let output = thread::scope(|scope| {
            let _ = thread::Builder::new().spawn_scoped(scope, decode::prepare);
            command.output()
        });
        let mut output =
            output.map_err(|source| Failure::Run { linker: self.linker.to_owned(), source })?;
        for said in [&mut output.stdout, &mut output.stderr] {
            if let Cow::Owned(clean) = without_scratch(said) {
                *said = clean;
            }
        }
        if output.status.success() {
            return Ok(output);
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::Link { status: output.status, stderr })
    }

    /// Handles an image that could not be stamped. It is as good as one linked without a table, so
    /// it can stay.
    fn unstamped(&self, stamped: Stamped) -> Result<(), Failure> {
        let why = match stamped {
            Stamped::NoTable => format!("{} dropped the table", self.linker.display()),
            _ => "the image or its records are damaged or from another version".to_owned(),
        };
        let failure = Failure::Stamp(why);
        if self.settings.is_strict() {
            return Err(failure);
        }
        eprintln!("static-call: warning: {failure}: its calls stay on their trampolines");
        Ok(())
    }

    /// Prints findings of level `warn` and above, and writes the report.
    fn report(&self, mut report: Report, image: &Path, policy: &Policy) -> Result<(), Failure> {
        // Whoever started the compiler has already reported missing flags.
        let is_told = |f: &Finding| f.key == FindingKey::FlagsMissing && f.severity < Level::Deny;
        let is_printed = |f: &&Finding| f.severity >= Level::Warn && !is_told(f);
        let mut printed = report.findings.iter().filter(is_printed);
        if lines::AVAILABLE && !policy.source_lines() && printed.next().is_some() {
            let mut policy = policy.clone();
            policy.set_source_lines(true);
            let bytes = read_image(image, true).map_err(|e| file(&self.line.output, e))?;
            report = verify(&bytes, &policy);
        }
        // The worst are first.
        let printed: Vec<&Finding> = report.findings.iter().filter(is_printed).collect();
        for finding in printed.iter().take(MOST_PRINTED) {
            eprintln!("static-call: {finding}");
        }
        if printed.len() > MOST_PRINTED {
            let more = printed.len() - MOST_PRINTED;
            eprintln!("static-call: and {more} more; `cargo static-call verify` lists them all");
        }
        let is_without = |f: &&Finding| f.address.is_some() && f.source.is_none();
        if !lines::AVAILABLE && printed.iter().any(is_without) {
            eprintln!(
                "static-call: for source lines, turn on the feature `lines` of \
                 `static-call-verify`, or build with `cargo static-call build`"
            );
        }
        say_line(&report);
        if let Some(dir) = &self.settings.report {
            let name = self.line.output.file_name().unwrap_or_default();
            let path = atomic_file::beside(&dir.join(name), ".txt");
            let text = format!("{report}\n");
            let written =
                fs::create_dir_all(dir).and_then(|()| atomic_file::replace(&path, text.as_bytes()));
            if let Err(error) = written {
                eprintln!("static-call: warning: {}: {error}", path.display());
            }
        }
        match report.denied().count() {
            0 => Ok(()),
            count => Err(Failure::Denied(count)),
        }
    }
}

/// Prints one line about how much of an image is inline. The line goes to the wrapper of rustc if
/// that wants it. Otherwise it goes with the linker's messages, and only if there is something to
/// do.
fn say_line(report: &Report) {
    let (calls, inline) = (report.summary.all_calls(), report.summary.all_inline());
    if calls == 0 {
        return;
    }
    let line = BuildLine(&report.summary);
    match env::var_os(LINE_FILE) {
        Some(path) => {
            let advice = if inline < calls { ": run `cargo static-call report`" } else { "" };
            // If this fails, the wrapper prints no line.
            let _ = fs::write(path, format!("{line}{advice}"));
        }
        None if inline < calls => eprintln!("static-call: {line}: run `cargo static-call report`"),
        None => {}
    }
}

/// Prints why there is no image, and returns the exit code.
fn failed(why: &Failure) -> i32 {
    eprintln!("static-call: error: {why}");
    1
}

fn file(path: &Path, source: io::Error) -> Failure {
    Failure::File { path: path.to_owned(), source }
}

/// Forwards the linker's output to where it would have gone.
fn forward(messages: &Output) {
    let _ = io::stdout().write_all(&messages.stdout);
    let _ = io::stderr().write_all(&messages.stderr);
}

/// Replaces this process with the linker.
fn become_linker(linker: &Path, args: &[OsString]) -> ! {
    let error = Command::new(linker).args(args).exec();
    eprintln!("static-call: cannot run {}: {error}", linker.display());
    exit(1)
}

/// Returns the linker to run, or the name of the one that was not found.
fn linker(settings: &Settings) -> Result<PathBuf, String> {
    let me = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let name = me.file_name().unwrap_or_default();
    if name != REAL_LD && name != BFD {
        return settings.linker.clone().ok_or_else(|| name.to_string_lossy().into_owned());
    }
    let var = |name| env::var(name).unwrap_or_default();
    let gcc = env::var("COLLECT_GCC_OPTIONS").ok();
    let gcc = gcc.map(|options| [options, var("COMPILER_PATH"), var("COLLECT_GCC")]);
    let parent = PathBuf::from(format!("/proc/{}", parent_id()));
    let parent_dir = fs::read_link(parent.join("exe")).ok();
    let choice = Choice::new(&Told {
        path: &env::var_os("PATH").unwrap_or_default(),
        gcc: gcc.as_ref().map(|g| g.each_ref().map(String::as_str)),
        parent: &command_line(&parent),
        parent_dir: parent_dir.as_deref().and_then(Path::parent),
        by_bfd: name == BFD,
        default: settings.linker.as_deref(),
    });
    choice.find(is_program).ok_or_else(|| choice.name())
}

/// Returns the words of a process's command line with response files expanded; empty if it cannot
/// be read.
fn command_line(process: &Path) -> Vec<OsString> {
    let bytes = fs::read(process.join("cmdline")).unwrap_or_default();
    let words: Vec<OsString> =
        bytes.split(|b| *b == 0).map(|word| OsString::from_vec(word.to_vec())).collect();
    args::expand(&words, &|path| fs::read_to_string(path).ok())
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}
