//! The way to the program: this process's standard input and output, taken so that nothing else can speak on it.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

#[cfg(not(unix))]
pub(crate) use other::{Way, open, take};
#[cfg(unix)]
pub(crate) use unix::{Way, open, take};

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::os::fd::OwnedFd;

    use tokio::net::unix::pipe::{Receiver, Sender};

    use super::{Input, Output, io};

    /// Both directions.
    #[derive(Debug)]
    pub(crate) struct Way {
        from: OwnedFd,
        to: OwnedFd,
    }

    /// What libraries print goes to where errors go from now on, and no child of this process keeps the way open.
    pub(crate) fn take() -> io::Result<Way> {
        let from = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
        let to = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        rustix::stdio::dup2_stdout(io::stderr())?;
        Ok(Way { from, to })
    }

    /// Inside a tokio runtime.
    pub(crate) fn open(way: Way) -> io::Result<(Input, Output)> {
        Ok((Box::new(Receiver::from_owned_fd(way.from)?), Box::new(Sender::from_owned_fd(way.to)?)))
    }
}

#[cfg(not(unix))]
mod other {
    use super::{Input, Output, io};

    /// Both directions, which nothing else uses there.
    #[derive(Debug)]
    pub(crate) struct Way;

    pub(crate) fn take() -> io::Result<Way> {
        Ok(Way)
    }

    pub(crate) fn open(_way: Way) -> io::Result<(Input, Output)> {
        Ok((Box::new(tokio::io::stdin()), Box::new(tokio::io::stdout())))
    }
}
