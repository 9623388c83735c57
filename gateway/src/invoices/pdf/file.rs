//! Pages as a file: PDF 1.7 with what PDF/A-3u asks for (ISO 19005-3): embedded fonts, a character for every glyph, metadata
//! that says the same twice, and a profile for the one colour there is. The day of the document is the day of the file.

use jiff::civil::Date;
use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Settings, TextStr};
use quick_xml::escape::escape;
use sha2::{Digest, Sha256};

use super::PdfError;
use super::embedding::FontRefs;
use super::flow::Set;

/// sGrey, from saucecontrol/Compact-ICC-Profiles, CC0.
const GREY_PROFILE: &[u8] = include_bytes!("sGrey-v4.icc");
const PRODUCER: &str = "Shekara";
/// Of all of Kazakhstan since 2024.
const UTC_OFFSET_HOURS: i8 = 5;
/// Noon, so that a reader in another time zone shows the same day.
const HOUR: u8 = 12;
const LANGUAGE: &str = "ru";
const ID_BYTES: usize = 16;

pub(super) struct Metadata {
    pub(super) title: String,
    pub(super) author: String,
    pub(super) date: Date,
}

struct Refs {
    catalog: Ref,
    page_tree: Ref,
    info: Ref,
    metadata: Ref,
    profile: Ref,
    regular: FontRefs,
    bold: FontRefs,
}

pub(super) fn write(set: &Set, metadata: &Metadata) -> Result<Vec<u8>, PdfError> {
    let mut pdf = Pdf::with_settings(Settings { pretty: false });
    let mut next = Ref::new(1);
    let refs = Refs {
        catalog: next.bump(),
        page_tree: next.bump(),
        info: next.bump(),
        metadata: next.bump(),
        profile: next.bump(),
        regular: FontRefs::new(&mut next),
        bold: FontRefs::new(&mut next),
    };
    let xmp = xmp(metadata);
    write_catalog(&mut pdf, &refs);
    write_info(&mut pdf, refs.info, metadata)?;
    pdf.metadata(refs.metadata, xmp.as_bytes());
    pdf.icc_profile(refs.profile, GREY_PROFILE).n(1);
    write_pages(&mut pdf, &refs, &mut next, set)?;
    set.regular.write(&mut pdf, refs.regular, set.typefaces.of(super::typeface::Weight::Regular))?;
    set.bold.write(&mut pdf, refs.bold, set.typefaces.of(super::typeface::Weight::Bold))?;
    let mut id = digest(set, &xmp);
    id.truncate(ID_BYTES);
    pdf.set_file_id((id.clone(), id));
    Ok(pdf.finish())
}

fn write_catalog(pdf: &mut Pdf, refs: &Refs) {
    let mut catalog = pdf.catalog(refs.catalog);
    catalog.pages(refs.page_tree).metadata(refs.metadata).lang(TextStr(LANGUAGE));
    catalog.viewer_preferences().display_doc_title(true);
    let mut intents = catalog.output_intents();
    let mut intent = intents.push();
    intent.subtype(OutputIntentSubtype::PDFA).output_condition_identifier(TextStr("Custom"));
    intent.info(TextStr("sGrey")).dest_output_profile(refs.profile);
}

fn write_info(pdf: &mut Pdf, id: Ref, metadata: &Metadata) -> Result<(), PdfError> {
    let number = |part: i8| u8::try_from(part).map_err(|_| PdfError::Date);
    let Metadata { title, author, date } = metadata;
    let year = u16::try_from(date.year()).map_err(|_| PdfError::Date)?;
    let day = pdf_writer::Date::new(year).month(number(date.month())?).day(number(date.day())?);
    let day = day.hour(HOUR).minute(0).second(0).utc_offset_hour(UTC_OFFSET_HOURS).utc_offset_minute(0);
    let mut info = pdf.document_info(id);
    info.title(TextStr(title)).author(TextStr(author));
    info.creator(TextStr(PRODUCER)).producer(TextStr(PRODUCER));
    info.creation_date(day).modified_date(day);
    Ok(())
}

fn write_pages(pdf: &mut Pdf, refs: &Refs, next: &mut Ref, set: &Set) -> Result<(), PdfError> {
    let num_pages = i32::try_from(set.pages.len()).map_err(|_| PdfError::TooLarge)?;
    let ids: Vec<[Ref; 3]> = set.pages.iter().map(|_| std::array::from_fn(|_| next.bump())).collect();
    pdf.pages(refs.page_tree).count(num_pages).kids(ids.iter().map(|[page, ..]| *page));
    for (page, [id, body, foot]) in set.pages.iter().zip(ids) {
        let [width, height] = page.paper.size();
        let mut writer = pdf.page(id);
        writer.parent(refs.page_tree).media_box(Rect::new(0.0, 0.0, width, height));
        writer.contents_array([body, foot]);
        let mut resources = writer.resources();
        resources.fonts().pair(Name(b"R"), refs.regular.font).pair(Name(b"B"), refs.bold.font);
        resources.finish();
        writer.finish();
        pdf.stream(body, &page.body).filter(Filter::FlateDecode);
        pdf.stream(foot, &page.foot).filter(Filter::FlateDecode);
    }
    Ok(())
}

/// The same as in the information dictionary.
fn xmp(metadata: &Metadata) -> String {
    let (title, author) = (escape(&metadata.title), escape(&metadata.author));
    let date = format!("{}T{HOUR:02}:00:00+{UTC_OFFSET_HOURS:02}:00", metadata.date);
    format!(
        r#"<?xpacket begin="{bom}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>U</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>ru</rdf:li><rdf:li>kk</rdf:li></rdf:Bag></dc:language>
<pdf:Producer>{PRODUCER}</pdf:Producer>
<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool>
<xmp:CreateDate>{date}</xmp:CreateDate>
<xmp:ModifyDate>{date}</xmp:ModifyDate>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"#,
        bom = '\u{feff}',
    )
}

/// Of what the file says, in place of a random id.
fn digest(set: &Set, xmp: &str) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(xmp);
    for page in &set.pages {
        hasher.update(&page.body);
        hasher.update(&page.foot);
    }
    hasher.finalize().to_vec()
}
