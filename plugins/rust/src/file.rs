use std::fs::{File, OpenOptions};
use std::io::{self, Read};

use crate::encoding::trim;
use crate::error::{Error, Result};

/// Reads a regular file of at most `limit` bytes. A pipe is refused without waiting for it.
pub(crate) async fn read(path: &str, limit: usize) -> Result<Vec<u8>> {
    let owned = path.to_owned();
    let content = tokio::task::spawn_blocking(move || {
        let file = open(&owned)?;
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut content = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut content)?;
        Ok(Some(content))
    });
    match content.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
        Ok(Some(content)) if content.len() > limit => {
            Err(Error::invalid(format!("the file {path:?} is larger than {} KiB", limit / 1024)))
        }
        Ok(Some(content)) => Ok(content),
        Ok(None) => Err(Error::invalid(format!("{path:?} is not a regular file"))),
        Err(error) => {
            let kind = error.kind();
            Err(Error::not_configured(format!("the file {path:?} cannot be read: {kind}")))
        }
    }
}

/// The text of a file that must not be empty, without surrounding whitespace.
pub(crate) async fn read_text(path: &str, limit: usize) -> Result<String> {
    let content = read(path, limit).await?;
    let text = String::from_utf8(content).map_err(|_| Error::invalid(format!("the file {path:?} is not UTF-8")))?;
    match trim(&text) {
        "" => Err(Error::not_configured(format!("the file {path:?} is empty"))),
        text => Ok(text.to_owned()),
    }
}

fn open(path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Class;

    #[tokio::test]
    async fn files() {
        let folder = std::env::temp_dir().join(format!("awstokenserver-{}-{}", std::process::id(), fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        std::fs::write(path("full"), " \u{a0}abc\r\n").unwrap();
        std::fs::write(path("empty"), " \n").unwrap();
        assert_eq!(read_text(&path("full"), 8).await.unwrap(), "\u{a0}abc");

        let class = async |path: String, limit| read_text(&path, limit).await.unwrap_err().class();
        assert_eq!(class(path("full"), 7).await, Class::ConfigInvalid);
        assert_eq!(class(path("empty"), 8).await, Class::NotConfigured);
        assert_eq!(class(path("missing"), 8).await, Class::NotConfigured);
        assert_eq!(class(folder.to_str().unwrap().to_owned(), 8).await, Class::ConfigInvalid);
        #[cfg(unix)]
        {
            let fifo = std::ffi::CString::new(path("fifo")).unwrap();
            // SAFETY: the path is a C string that lives through the call.
            assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
            assert_eq!(class(path("fifo"), 8).await, Class::ConfigInvalid);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
