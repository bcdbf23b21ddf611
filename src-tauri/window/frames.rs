//! The pictures of alerts for the page: `frame://localhost/{alert}`, bytes straight from the program's journal.
//!
//! An address is a number that is looked up; nothing here knows a path.

use bytes::Bytes;
use tauri::http::{Method, Request, Response, StatusCode, Uri, header};
use tauri::{Manager, Runtime, UriSchemeContext, UriSchemeResponder};

use crate::program::Program;
use crate::view;

/// Answers a request for a picture.
pub(crate) fn answer<R: Runtime>(
    context: UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let alert = alert(request.uri()).filter(|_| request.method() == Method::GET);
    let program = context.app_handle().try_state::<Program>();
    match (alert, program, context.webview_label()) {
        (Some(alert), Some(program), view::LABEL) => program.picture(alert, responder),
        _ => responder.respond(response(None)),
    }
}

/// The alert's number: one path segment of 1 to 18 digits, and nothing else.
fn alert(uri: &Uri) -> Option<String> {
    let id = uri.path().strip_prefix('/')?;
    let is_number = (1..=18).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && uri.query().is_none()).then(|| id.to_owned())
}

/// The picture, or that there is none.
pub(crate) fn response(jpeg: Option<Bytes>) -> Response<Vec<u8>> {
    match jpeg {
        Some(jpeg) => respond(StatusCode::OK, jpeg.into()),
        None => respond(StatusCode::NOT_FOUND, Vec::new()),
    }
}

fn respond(status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "image/jpeg")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CACHE_CONTROL, "no-store")
        .body(body);
    response.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_an_alert() {
        assert_eq!(of("frame://localhost/42").as_deref(), Some("42"));
        assert_eq!(of("http://frame.localhost/999999999999999999").as_deref(), Some("999999999999999999"));
    }

    #[test]
    fn anything_else_is_not() {
        for address in [
            "frame://localhost/",
            "frame://localhost/1/2",
            "frame://localhost/../1",
            "frame://localhost/%31",
            "frame://localhost/%252e%252e%252f",
            "frame://localhost/-1",
            "frame://localhost/1234567890123456789",
            "frame://localhost/1?x=1",
            "frame://localhost/1.jpg",
        ] {
            assert_eq!(of(address), None, "{address}");
        }
    }

    #[test]
    fn a_picture_is_never_sniffed_or_kept() {
        let response = response(Some(Bytes::from_static(b"jpeg")));

        assert_eq!(response.headers()[header::CONTENT_TYPE], "image/jpeg");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }

    fn of(address: &str) -> Option<String> {
        alert(&address.parse().unwrap())
    }
}
