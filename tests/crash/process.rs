//! A child as its parent sees it: what it says, and its end.

use std::env;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::orders::{Edge, Orders, Point, Stage};

/// How long the parent waits for a word that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// One thing that a child says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// It is about to do this, or has done it.
    Mark(Point),
    /// The store has this event.
    Acknowledged(String),
    /// So many settlements moved something, and so many came too late.
    Settled { applied: usize, stale: usize },
    /// Its store failed.
    Fault(String),
    /// It stands still from here on.
    Stops,
}

impl Line {
    /// Reads a line; `None` for what the test harness around the child says.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (_, said) = line.split_once('@')?;
        let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
        match word {
            "acknowledged" => Some(Self::Acknowledged(rest.to_owned())),
            "settled" => {
                let (applied, stale) = rest.split_once(' ')?;
                Some(Self::Settled { applied: applied.parse().ok()?, stale: stale.parse().ok()? })
            }
            "fault" => Some(Self::Fault(rest.to_owned())),
            "stops" => Some(Self::Stops),
            word => Point::from_word(word).map(Self::Mark),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(point) => write!(f, "@{point}"),
            Self::Acknowledged(id) => write!(f, "@acknowledged {id}"),
            Self::Settled { applied, stale } => write!(f, "@settled {applied} {stale}"),
            Self::Fault(what) => write!(f, "@fault {what}"),
            Self::Stops => f.write_str("@stops"),
        }
    }
}

/// When a child is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    /// So long after its start.
    After(Duration),
    /// When it enters that stage for that time.
    Entering(Stage, u32),
}

/// A child that may still live. It does not outlive this value.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<Line>,
    said: Vec<Line>,
}

/// A child's life, which ended by a kill.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) said: Vec<Line>,
}

impl Process {
    pub(crate) fn start(orders: &Orders) -> Self {
        let (variable, value) = orders.as_variable();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["child::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(variable, value)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in out.split(b'\n').map_while(Result::ok) {
                // A parent that no longer wants to know is gone, or has judged already.
                Line::read(&String::from_utf8_lossy(&line)).map(|line| sender.send(line).ok());
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Kills it then, if it has not died before.
    pub(crate) fn kill(mut self, when: Kill) -> Life {
        match when {
            Kill::After(life) => {
                let end = Instant::now() + life;
                while self.hear(end.saturating_duration_since(Instant::now())).is_some() {}
            }
            Kill::Entering(stage, times) => {
                let point = Point::entering(stage);
                for _ in 0..times {
                    self.wait_for(|line| *line == Line::Mark(point));
                }
            }
        }
        self.killed()
    }

    /// Lets it die by itself.
    pub(crate) fn until_it_dies(mut self) -> Life {
        while self.hear(PATIENCE).is_some() {}
        self.end()
    }

    /// Kills it now.
    pub(crate) fn killed(mut self) -> Life {
        self.child.kill().unwrap();
        self.end()
    }

    /// Waits for what it must say.
    pub(crate) fn wait_for(&mut self, wanted: impl Fn(&Line) -> bool) {
        while !wanted(&self.line()) {}
    }

    /// The next thing that it says.
    pub(crate) fn line(&mut self) -> Line {
        self.hear(PATIENCE).unwrap_or_else(|| panic!("the child fell silent after {:?}", self.said.last()))
    }

    /// Makes it go on, and waits until it has: a signal that comes before the child
    /// has stopped itself is lost.
    pub(crate) fn wake_up(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGCONT).unwrap();
            if self.hear(Duration::from_millis(20)).is_some() {
                return;
            }
        }
        panic!("the child did not wake up");
    }

    /// How often it has passed that point, as far as it was heard.
    pub(crate) fn count(&self, point: Point) -> usize {
        self.said.iter().filter(|line| **line == Line::Mark(point)).count()
    }

    /// The next thing it says in that time; `None` if it says nothing, or is dead.
    fn hear(&mut self, within: Duration) -> Option<Line> {
        match self.lines.recv_timeout(within) {
            Ok(line) => {
                self.said.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Takes in its last words and sees to it that a kill was its end.
    fn end(mut self) -> Life {
        let status = self.child.wait().unwrap();
        self.said.extend(self.lines.iter());
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "the child ended by itself: {status}");
        Life { said: std::mem::take(&mut self.said) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended is neither killed nor waited for again.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Life {
    /// The events that it had acknowledged.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = &String> {
        self.said.iter().filter_map(|line| match line {
            Line::Acknowledged(id) => Some(id),
            _ => None,
        })
    }

    /// The stages that were under way when it died.
    pub(crate) fn under_way(&self) -> Vec<Stage> {
        let under_way = |stage: &Stage| {
            let passed = |edge| {
                let mark = Line::Mark(Point { stage: *stage, edge });
                self.said.iter().filter(|line| **line == mark).count()
            };
            passed(Edge::Entering) > passed(Edge::Leaving)
        };
        Stage::ALL.into_iter().filter(under_way).collect()
    }

    /// The last point that it passed.
    pub(crate) fn last_mark(&self) -> Option<Point> {
        self.said.iter().rev().find_map(|line| match line {
            Line::Mark(point) => Some(*point),
            _ => None,
        })
    }

    /// How often its store failed.
    pub(crate) fn faults(&self) -> usize {
        self.said.iter().filter(|line| matches!(line, Line::Fault(_))).count()
    }
}
