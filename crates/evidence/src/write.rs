//! Writing the zip.

use std::collections::BTreeSet;
use std::io::{self, Seek, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::case::Case;
use crate::key::Signer;
use crate::pdf::{self, Printed};
use crate::story::{Kept, Story};
use crate::sums::{self, Digest};
use crate::{custody, document, html, names};

/// So many bytes of pictures are held at once for the printed sheet, and not more.
const PRINTED_BYTES: usize = 48 * 1024 * 1024;
/// So many of an incident's pictures are on the printed sheet.
const PRINTED_PER_INCIDENT: usize = 6;
/// So many of all.
const PRINTED: usize = 36;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many pictures are in it.
    pub pictures: usize,
    /// How many pictures are known of, but their bytes are gone.
    pub without_bytes: usize,
    /// The SHA-256 of `SHA256SUMS`, in hexadecimal: one line that stands for the whole package.
    pub digest: String,
    /// The comment that is signed with it: when, and which file.
    pub trusted_comment: String,
}

/// Why it could not be written. The output is then incomplete; throw it away.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is nothing to write.
    #[error("there is no incident to save")]
    Empty,
    /// The output cannot be written.
    #[error("cannot write the package")]
    Output(#[source] io::Error),
    /// A picture cannot be read.
    #[error("cannot read the picture of alert {alert}")]
    Picture {
        /// The alert's number.
        alert: i64,
        /// What the caller said.
        #[source]
        error: io::Error,
    },
    /// The zip, the sheet or a text cannot be made.
    #[error("cannot make {file}: {reason}")]
    Made {
        /// The file within the package, or the package.
        file: &'static str,
        /// Why, in the library's words.
        reason: String,
    },
}

/// Writes a case as one zip, from the output's beginning.
///
/// `picture` gives the bytes of an alert's picture, by the alert's number, as they were received, or none where they are gone; it is asked for one at a
/// time, in order, and only for alerts with a [`crate::Frame`]. The same case, pictures and key give the same bytes.
///
/// # Errors
///
/// [`WriteError`], after which the output is incomplete.
pub fn write<W: Write + Seek>(
    case: &Case,
    mut picture: impl FnMut(i64) -> io::Result<Option<Vec<u8>>>,
    signer: &Signer,
    out: W,
) -> Result<Written, WriteError> {
    if case.incidents.is_empty() {
        return Err(WriteError::Empty);
    }
    let mut zip = Package::new(out, case.made_at);
    let (kept, printed) = frames(case, &mut picture, &mut zip)?;
    let key = signer.public_key();
    let story = Story::new(case, &kept, key);

    let json = document::to_json(case, &kept, key);
    let json = json.map_err(|error| WriteError::Made { file: names::JSON, reason: error.to_string() })?;
    let sheet = pdf::to_pdf(&story, &printed, case.made_at);
    let sheet = sheet.map_err(|reason| WriteError::Made { file: names::PDF, reason })?;
    zip.add(names::PDF, &sheet, CompressionMethod::Deflated)?;
    zip.add(names::HTML, html::to_html(&story).as_bytes(), CompressionMethod::Deflated)?;
    zip.add(names::JSON, json.as_bytes(), CompressionMethod::Deflated)?;
    zip.add(names::CUSTODY, custody::to_csv(case, &kept).as_bytes(), CompressionMethod::Deflated)?;
    zip.add(names::KEY, key.to_file().as_bytes(), CompressionMethod::Deflated)?;

    let sums = zip.sums();
    let trusted_comment = trusted_comment(case.made_at);
    let signature = signer.sign(sums.as_bytes(), &trusted_comment);
    zip.add(names::SUMS, sums.as_bytes(), CompressionMethod::Deflated)?;
    zip.add(names::SIGNATURE, signature.as_bytes(), CompressionMethod::Deflated)?;
    zip.finish()?;

    let pictures = kept.iter().filter(|kept| kept.file.is_some()).count();
    Ok(Written {
        pictures,
        without_bytes: kept.len() - pictures,
        digest: sums::digest(sums.as_bytes()),
        trusted_comment,
    })
}

/// As minisign writes it by itself, with the time in words beside it.
fn trusted_comment(made_at: Timestamp) -> String {
    let words = made_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("timestamp:{}\tfile:{}\thashed\tsaved {words}", made_at.as_second(), names::SUMS)
}

/// Copies every picture into the zip, and keeps those that are printed.
fn frames<W: Write + Seek>(
    case: &Case,
    picture: &mut impl FnMut(i64) -> io::Result<Option<Vec<u8>>>,
    zip: &mut Package<W>,
) -> Result<(Vec<Kept>, Vec<Printed>), WriteError> {
    let wanted = to_print(case);
    let all = case.incidents.iter().flat_map(|incident| &incident.alerts);
    let all = all.filter(|alert| alert.frame.is_some()).count();
    let (mut kept, mut printed, mut held) = (Vec::new(), Vec::new(), 0);
    let mut number = 0;
    for (incident, one) in case.incidents.iter().enumerate() {
        for (alert, detection) in one.alerts.iter().enumerate() {
            if detection.frame.is_none() {
                continue;
            }
            let bytes = picture(detection.number)
                .map_err(|error| WriteError::Picture { alert: detection.number, error })?;
            let Some(bytes) = bytes else {
                kept.push(Kept { incident, alert, file: None });
                continue;
            };
            number += 1;
            let name = names::frame(number, all);
            // A JPEG is compressed already; stored, its bytes can be found in the zip as they are.
            let digest = zip.add(&name, &bytes, CompressionMethod::Stored)?;
            if wanted.contains(&(incident, alert)) && held + bytes.len() <= PRINTED_BYTES {
                held += bytes.len();
                printed.push(Printed { index: kept.len(), bytes });
            }
            kept.push(Kept { incident, alert, file: Some((name, digest)) });
        }
    }
    Ok((kept, printed))
}

/// Which pictures are on the printed sheet: of each incident the one with the highest score, the first and the last, and
/// others evenly in between.
fn to_print(case: &Case) -> BTreeSet<(usize, usize)> {
    let mut wanted = BTreeSet::new();
    let each = (PRINTED / case.incidents.len().max(1)).clamp(1, PRINTED_PER_INCIDENT);
    for (index, incident) in case.incidents.iter().enumerate() {
        let with: Vec<usize> = incident
            .alerts
            .iter()
            .enumerate()
            .filter(|(_, alert)| alert.frame.is_some())
            .map(|(at, _)| at)
            .collect();
        let score =
            |at: &usize| incident.alerts[*at].score.filter(|score| score.is_finite()).unwrap_or(f64::MIN);
        let top = with.iter().copied().reduce(|best, at| if score(&at) > score(&best) { at } else { best });
        let mut chosen: BTreeSet<usize> = top.into_iter().collect();
        let last = with.len().saturating_sub(1);
        for step in 0..each {
            let at = if each == 1 { 0 } else { step * last / (each - 1) };
            if chosen.len() < each
                && let Some(at) = with.get(at)
            {
                chosen.insert(*at);
            }
        }
        wanted.extend(chosen.into_iter().map(|at| (index, at)));
        if wanted.len() >= PRINTED {
            break;
        }
    }
    wanted
}

/// A zip under way, with the sum of each file.
struct Package<W: Write + Seek> {
    zip: ZipWriter<W>,
    options: SimpleFileOptions,
    sums: Vec<(String, Digest)>,
}

impl<W: Write + Seek> Package<W> {
    fn new(out: W, made_at: Timestamp) -> Package<W> {
        let options = SimpleFileOptions::default()
            .last_modified_time(zip_time(made_at))
            .unix_permissions(0o644)
            .system(zip::System::Unix)
            .compression_level(Some(6));
        Package { zip: ZipWriter::new(out), options, sums: Vec::new() }
    }

    fn add(&mut self, name: &str, bytes: &[u8], method: CompressionMethod) -> Result<Digest, WriteError> {
        let mut options = self.options.compression_method(method);
        if method == CompressionMethod::Stored {
            options = options.compression_level(None);
        }
        self.zip.start_file(name, options).map_err(failed)?;
        self.zip.write_all(bytes).map_err(WriteError::Output)?;
        let digest = sums::digest(bytes);
        self.sums.push((name.to_owned(), digest.clone()));
        Ok(digest)
    }

    /// `SHA256SUMS` of what was added so far.
    fn sums(&mut self) -> String {
        self.sums.sort();
        sums::to_text(&self.sums)
    }

    fn finish(self) -> Result<(), WriteError> {
        self.zip.finish().map_err(failed)?.flush().map_err(WriteError::Output)
    }
}

fn failed(error: zip::result::ZipError) -> WriteError {
    if let zip::result::ZipError::Io(error) = error {
        return WriteError::Output(error);
    }
    WriteError::Made { file: "the package", reason: error.to_string() }
}

/// A zip's times have no zone and are even seconds between 1980 and 2107; ours are in UTC.
fn zip_time(at: Timestamp) -> DateTime {
    let at = at.to_zoned_datetime(TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    let year = u16::try_from(at.year()).unwrap_or_default();
    DateTime::from_date_and_time(
        year,
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
    .unwrap_or_default()
}
