//! `report.html`: everything, for any browser, without a script and without anything from elsewhere. Pictures are the very files in
//! `frames/`, so that what is shown is what was signed.

use crate::case::{Frame, Orientation};
use crate::story::{self, Ask, Fact, Part, Picture, Row, Story};

/// The file's text.
pub(crate) fn to_html(story: &Story) -> String {
    let mut page = Page::default();
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Nothing runs and nothing is fetched, whatever a text in it may be.
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'\">\n");
    page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
    page.element("title", &format!("{}: {}", story::HEADING, plain(&story.title)));
    page.raw(&format!("<style>{}</style>\n</head>\n<body>\n<main>\n", STYLE));
    head(&mut page, story);
    asks(&mut page, &story.asks);
    for part in &story.parts {
        incident(&mut page, part);
    }
    times(&mut page, story);
    verify(&mut page, story);
    proves(&mut page);
    page.raw("</main>\n</body>\n</html>\n");
    page.0
}

fn head(page: &mut Page, story: &Story) {
    page.raw("<header>\n");
    page.classed("p", "kicker", story::HEADING);
    page.element("h1", &story.title);
    page.classed("p", "where", &story.subtitle);
    page.raw("</header>\n");
    facts(page, &story.facts);
    page.classed("p", "notice", story::DETECTOR);
}

fn asks(page: &mut Page, asks: &[Ask]) {
    page.raw("<section>\n");
    page.element("h2", story::ASK);
    page.raw("<table class=\"asks\">\n<thead><tr><th>Camera</th><th>Shop\u{2019}s time, and UTC</th></tr></thead>\n<tbody>\n");
    for ask in asks {
        page.raw("<tr>");
        page.cells([&ask.camera]);
        page.raw("<td>");
        page.text(&ask.local);
        page.raw("<br>");
        page.classed("span", "quiet", &ask.utc);
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
    page.element("p", story::ASK_HINT);
    page.raw("</section>\n");
}

fn incident(page: &mut Page, part: &Part) {
    page.raw("<section>\n");
    if let Some(heading) = &part.heading {
        page.element("h2", heading);
        facts(page, &part.facts);
    }
    let level = if part.heading.is_some() { "h3" } else { "h2" };
    page.element(level, story::PICTURES);
    if part.pictures.iter().any(is_marked) {
        page.element("p", story::MARKED);
    }
    page.raw("<div class=\"pictures\">\n");
    for one in &part.pictures {
        picture(page, one);
    }
    page.raw("</div>\n");
    page.element(level, story::HAPPENED);
    page.raw("<table class=\"happened\">\n<thead><tr><th>Shop\u{2019}s time, and UTC</th><th>Who</th><th>What</th></tr></thead>\n<tbody>\n");
    for row in &part.rows {
        happened(page, row);
    }
    page.raw("</tbody>\n</table>\n");
    page.raw("</section>\n");
}

fn happened(page: &mut Page, row: &Row) {
    page.raw("<tr><td>");
    page.text(&row.local);
    page.raw("<br>");
    page.classed("span", "quiet", &row.utc);
    page.raw("</td>");
    page.cells([&row.who]);
    page.raw("<td>");
    page.text(&row.what);
    if let Some(note) = &row.note {
        page.classed("p", "note", note);
    }
    page.raw("</td></tr>\n");
}

fn is_marked(picture: &Picture) -> bool {
    picture.file.is_some() && picture.frame.is_some_and(|frame| mark(&frame).is_some())
}

fn picture(page: &mut Page, picture: &Picture) {
    page.raw("<figure>\n");
    if let (Some((name, _)), Some(frame)) = (&picture.file, &picture.frame) {
        page.raw("<div class=\"frame\">");
        let size = if frame.orientation == Orientation::Upright {
            format!(" width=\"{}\" height=\"{}\"", frame.width, frame.height)
        } else {
            String::new()
        };
        page.raw(&format!("<img src=\"{name}\"{size} loading=\"lazy\" alt=\"{name}. Not shown? Unpack the whole package, then open report.html.\">"));
        if let Some((left, top, width, height)) = mark(frame) {
            page.raw(&format!(
                "<span class=\"mark\" style=\"left:{left:.3}%;top:{top:.3}%;width:{width:.3}%;height:{height:.3}%\"></span>"
            ));
        }
        page.raw("</div>\n");
    }
    page.raw("<figcaption>\n");
    page.element("strong", &picture.title);
    for line in &picture.lines {
        page.raw("<br>");
        page.text(line);
    }
    if let Some((_, digest)) = &picture.file {
        page.raw("<br>SHA-256 ");
        page.element("code", digest);
    }
    page.raw("</figcaption>\n</figure>\n");
}

/// Left, top, width and height of what the detector marked, in percent of the picture.
pub(crate) fn mark(frame: &Frame) -> Option<(f64, f64, f64, f64)> {
    let area = frame.area?;
    let (width, height) = (f64::from(frame.width), f64::from(frame.height));
    let whole = [area.left, area.top, area.right, area.bottom].iter().all(|side| side.is_finite());
    if !whole || width < 1.0 || height < 1.0 {
        return None;
    }
    let (left, right) = (area.left.clamp(0.0, width), area.right.clamp(0.0, width));
    let (top, bottom) = (area.top.clamp(0.0, height), area.bottom.clamp(0.0, height));
    let percent = |part: f64, of: f64| part / of * 100.0;
    (right - left >= 1.0 && bottom - top >= 1.0).then(|| {
        (
            percent(left, width),
            percent(top, height),
            percent(right - left, width),
            percent(bottom - top, height),
        )
    })
}

fn times(page: &mut Page, story: &Story) {
    page.raw("<section>\n");
    page.element("h2", story::TIMES);
    page.element("p", &story.clock);
    page.raw("</section>\n");
}

fn verify(page: &mut Page, story: &Story) {
    page.raw("<section>\n");
    page.element("h2", story::VERIFY);
    page.element("p", story::VERIFY_HINT);
    page.raw("<ol>\n");
    for step in &story.steps {
        page.raw("<li>");
        page.text(step.words);
        for command in &step.commands {
            page.element("pre", command);
        }
        page.raw("</li>\n");
    }
    page.raw("</ol>\n<dl>");
    page.raw("<dt>Public key</dt><dd>");
    page.element("code", &story.key.to_string());
    page.raw("</dd><dt>Key id</dt><dd>");
    page.element("code", &story.key.id());
    page.raw("</dd></dl>\n");
    page.element("p", story::KEY_HINT);
    page.raw("</section>\n");
}

fn proves(page: &mut Page) {
    page.raw("<section>\n");
    page.element("h2", story::PROVES);
    page.raw("<ul>\n");
    for line in story::PROVED.iter().chain(&story::NOT_PROVED) {
        page.element("li", line);
    }
    page.raw("</ul>\n</section>\n");
}

fn facts(page: &mut Page, facts: &[Fact]) {
    page.raw("<dl>\n");
    for fact in facts {
        page.element("dt", fact.label);
        page.raw("<dd>");
        for (index, line) in fact.value.lines().enumerate() {
            if index == 0 {
                page.text(line);
            } else {
                page.raw("<br>");
                page.classed("span", "quiet", line);
            }
        }
        page.raw("</dd>\n");
    }
    page.raw("</dl>\n");
}

/// Without the marks around texts of others, for where no markup is.
fn plain(text: &str) -> String {
    text.chars().filter(|char| !matches!(char, '\u{2068}' | '\u{2069}')).collect()
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// A text, as text: the marks around texts of others become elements that keep their direction.
    fn text(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                '\u{2068}' => self.raw("<bdi>"),
                '\u{2069}' => self.raw("</bdi>"),
                // What HTML has no way to hold.
                '\u{fdd0}'..='\u{fdef}' => self.0.push('\u{fffd}'),
                char if u32::from(char) & 0xfffe == 0xfffe => self.0.push('\u{fffd}'),
                char => self.0.push(char),
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        self.raw(&format!("<{name}>"));
        if name == "title" {
            self.text(&plain(text))
        } else {
            self.text(text)
        }
        self.raw(&format!("</{name}>\n"));
    }

    fn classed(&mut self, name: &str, class: &str, text: &str) {
        self.raw(&format!("<{name} class=\"{class}\">"));
        self.text(text);
        self.raw(&format!("</{name}>\n"));
    }

    fn cells<const N: usize>(&mut self, cells: [&str; N]) {
        for cell in cells {
            self.raw("<td>");
            self.text(cell);
            self.raw("</td>");
        }
    }
}

const STYLE: &str = "
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #111; font: 16px/1.5 system-ui, 'Noto Sans', 'Segoe UI', sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
header { border-bottom: 2px solid #111; margin-bottom: 1.25rem; }
h1 { font-size: 2.2rem; line-height: 1.15; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 2.5rem 0 .6rem; padding-top: .6rem; border-top: 1px solid #bbb; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; overflow-wrap: anywhere; }
.kicker { margin: 0 0 .3rem; color: #555; }
.where { font-size: 1.2rem; margin: .3rem 0 1rem; }
.quiet { color: #555; }
.notice { border: 1px solid #111; border-inline-start-width: 6px; padding: .8rem 1rem; margin: 1.25rem 0; }
.note { margin: .3rem 0 0; padding-inline-start: .7rem; border-inline-start: 3px solid #999; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .3rem 1.5rem; margin: .8rem 0; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; margin: .6rem 0; }
.asks th:first-child { width: 42%; }
.happened th:first-child { width: 44%; }
.happened th:nth-child(2) { width: 20%; }
th { text-align: start; font-weight: 600; border-bottom: 1px solid #111; }
th, td { padding: .4rem .8rem .4rem 0; vertical-align: top; overflow-wrap: anywhere; }
td { border-bottom: 1px solid #ddd; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: .875rem; margin-top: .4rem; overflow-wrap: anywhere; }
.frame { position: relative; background: #eee; }
.frame img { display: block; width: 100%; height: auto; }
.mark { position: absolute; border: 2px solid #fff; outline: 1px solid #111; }
pre, code { font-family: ui-monospace, 'Noto Sans Mono', Consolas, monospace; font-size: .9em; }
pre { background: #f3f3f3; padding: .5rem .7rem; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
li { margin: .4rem 0; max-width: 46rem; }
@media print {
  @page { margin: 2cm; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  .pictures { grid-template-columns: 1fr 1fr; }
}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Area;
    use crate::testing;

    #[test]
    fn a_text_is_never_markup() {
        let mut case = testing::case();
        case.incidents[0].camera = Some("<script>alert(1)</script>\"'&".into());
        case.incidents[0].alerts[0].text = Some("<img src=x onerror=y>".into());

        let html = to_html(&Story::new(&case, &[], testing::signer().public_key()));

        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
        assert!(!html.contains("<script") && !html.contains("<img src=x"));
    }

    #[test]
    fn nothing_in_it_comes_from_elsewhere() {
        let html = to_html(&Story::new(&testing::case(), &[], testing::signer().public_key()));

        assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("url("), "{html}");
    }

    #[test]
    fn a_mark_stays_within_its_picture() {
        let frame = |left, right| Frame {
            width: 200,
            height: 100,
            orientation: Orientation::Upright,
            area: Some(Area { left, top: -5.0, right, bottom: 50.0 }),
        };

        assert_eq!(mark(&frame(20.0, 900.0)), Some((10.0, 0.0, 90.0, 50.0)));
        assert_eq!(mark(&frame(30.0, 30.0)), None);
        assert_eq!(mark(&frame(f64::NAN, 30.0)), None);
    }
}
