//! АВР, form R-1, as the ministry's order has it (Приложение 50 к приказу № 562): eight columns on landscape paper, labels of
//! both official texts. Tax and the sum in words stand below the table, since the form has no columns for them.

use super::PdfError;
use super::flow::Flow;
use super::group::{Area, Group};
use super::lines_table::{notes, price, quantity_digits, unit};
use super::pieces::{BODY, Label, SMALL, STRONG, contract, totals, words};
use super::signatures::{STAMP, signature};
use super::table::{Cell, Grid, STROKE, Table};
use super::typeface::{Style, Typefaces};
use super::wrap::{Align, Paragraph, SetLine};
use crate::invoices::act::Act;
use crate::invoices::dates;
use crate::invoices::document::Document;
use crate::invoices::line::Line;
use crate::invoices::party::Party;
use crate::invoices::quantity::Quantity;

const SHARES: [f32; 8] = [26.0, 232.0, 78.0, 122.0, 64.0, 72.0, 78.0, 92.0];
const HEAD_STYLE: Style = Style::regular(5.8);
const NOTE_STYLE: Style = Style::regular(5.2);
const ORDER_RU: &str =
    "Приложение 50\nк приказу Министра финансов\nРеспублики Казахстан\nот 20 декабря 2012 года № 562";
const ORDER_KK: &str =
    "Қазақстан Республикасы\nҚаржы министрінің\n2012 жылғы 20 желтоқсандағы\n№ 562 бұйрығына 50-қосымша";
const COLUMNS: [Label; 5] = [
    Label::new("Номер по порядку", "Реттік нөмірі"),
    Label::new(
        "Наименование работ (услуг) (в разрезе их подвидов в соответствии с технической спецификацией, заданием, графиком \
         выполнения работ (услуг) при их наличии)",
        "Жұмыстардың (көрсетілетін қызметтердің) атауы (техникалық ерекшелікке, тапсырмаға, жұмыстарды орындау (қызметтерді \
         көрсету) кестесіне сәйкес олардың кіші түрлері бөлінісінде, олар болған кезде)",
    ),
    Label::new("Дата выполнения работ (оказания услуг)**", "Жұмыстарды орындау (қызметтерді көрсету) күні**"),
    Label::new(
        "Сведения об отчете о научных исследованиях, маркетинговых, консультационных и прочих услугах (дата, номер, \
         количество страниц) (при их наличии)***",
        "Ғылыми зерттеулер, маркетингтік, консультациялық және өзге де қызметтер туралы есеп туралы мәліметтер (күні, \
         нөмірі, беттер саны) (олар болған кезде)***",
    ),
    Label::new("Единица измерения", "Өлшем бірлігі"),
];
const PERFORMED: Label = Label::new("Выполнено работ (оказано услуг)", "Орындалған жұмыстар (көрсетілген қызметтер)");
const PERFORMED_COLUMNS: [Label; 3] = [
    Label::new("количество", "саны"),
    Label::new("цена за единицу, тенге", "бірлік үшін бағасы, теңге"),
    Label::new("стоимость, тенге", "құны, теңге"),
];
const SUPPLIES: &str = "Сведения об использовании запасов, полученных от заказчика / Тапсырыс берушіден алынған қорларды \
     пайдалану туралы мәліметтер: не использовались / пайдаланылмады";
const DOCUMENTATION: &str = "Приложение: Перечень документации, в том числе отчет(ы) о маркетинговых, научных исследованиях, \
     консультационных и прочих услугах (обязательны при его (их) наличии) на _____ страниц / Қосымша: маркетингтік, ғылыми \
     зерттеулер, консультациялық және өзге де қызметтер туралы есеп(тер)ді қоса алғанда, құжаттама тізбесі (олар болған \
     кезде міндетті) _____ бетте";
const FOOTNOTES: [&str; 3] = [
    "* Применяется для приемки-передачи выполненных работ (оказанных услуг), за исключением строительно-монтажных работ. / \
     Құрылыс-монтаждау жұмыстарын қоспағанда, орындалған жұмыстарды (көрсетілген қызметтерді) қабылдау-беру үшін қолданылады.",
    "** Заполняется в случае, если даты выполненных работ (оказанных услуг) приходятся на различные периоды, а также в \
     случае, если даты выполнения работ (оказания услуг) и даты подписания (принятия) работ (услуг) различны. / Орындалған \
     жұмыстардың (көрсетілген қызметтердің) күндері әртүрлі кезеңдерге келген, сондай-ақ жұмыстарды орындау (қызметтерді \
     көрсету) күндері мен оларға қол қою (қабылдау) күндері әртүрлі болған жағдайда толтырылады.",
    "*** Заполняется в случае наличия отчета о научных исследованиях, маркетинговых, консультационных и прочих услугах. / \
     Ғылыми зерттеулер, маркетингтік, консультациялық және өзге де қызметтер туралы есеп болған жағдайда толтырылады.",
];
const SUPPLIER: Label = Label::new("Сдал (Исполнитель)", "Тапсырды (Орындаушы)");
const BUYER: Label = Label::new("Принял (Заказчик)", "Қабылдады (Тапсырыс беруші)");

pub(super) fn set(flow: &mut Flow, act: &Act) -> Result<(), PdfError> {
    let width = flow.paper().width();
    let document = &act.document;
    flow.put(&order(flow.typefaces(), width))?;
    flow.space(6.0);
    for (label, party) in [
        (Label::new("Заказчик", "Тапсырыс беруші"), &document.buyer),
        (Label::new("Исполнитель", "Орындаушы"), &document.supplier),
    ] {
        flow.put(&party_block(flow.typefaces(), width, label, party))?;
    }
    flow.space(4.0);
    flow.put(&title(flow.typefaces(), width, document))?;
    flow.space(5.0);

    let grid = Grid::new(width, &SHARES);
    let head = head(flow.typefaces(), &grid);
    let mut below = below(flow.typefaces(), &grid, document);
    below.append(ending(flow.typefaces(), width, act));
    let mut table = Table::new(grid, head);
    let digits = quantity_digits(document);
    for (index, line) in document.lines.iter().enumerate() {
        table.row(flow, &row(index + 1, line, act, digits))?;
    }
    table.end(flow, &below)
}

/// Which form this is, in the upper right corner.
fn order(typefaces: &Typefaces, width: f32) -> Group {
    let mut group = Group::default();
    let column = |left: f32| Area { left: width * left, top: 0.0, width: width * 0.15 };
    for (left, text, form) in [(0.70, ORDER_KK, "Р-1 нысаны"), (0.85, ORDER_RU, "Форма Р-1")] {
        let y = group.write(typefaces, column(left), &Paragraph::new(SMALL, text).align(Align::Center));
        let area = Area { top: y + 2.0, ..column(left) };
        group.write(typefaces, area, &Paragraph::new(STRONG, form).align(Align::Center));
    }
    group
}

/// Who, on a line with what belongs there below it, and the number in a box.
fn party_block(typefaces: &Typefaces, width: f32, label: Label, party: &Party) -> Group {
    let mut group = Group::default();
    let text = [party.name_kk.as_ref(), Some(&party.address), party.phone.as_ref()].into_iter().flatten();
    let text = text.fold(party.name.to_string(), |text, part| format!("{text}, {part}"));
    let area = Area { left: width * 0.11, top: 2.0, width: width * 0.67 };
    let lines = Paragraph::new(STRONG, text).set(typefaces, area.width);
    let height = lines.iter().map(SetLine::height).sum::<f32>();
    let end = group.write_lines(area.left, (21.0 - height).max(area.top), lines);
    let label_area = Area { left: 0.0, top: end - 18.8, width: width * 0.11 };
    group.write(typefaces, label_area, &Paragraph::new(BODY, label.stacked()));
    group.underline(Area { top: end + 1.0, ..area }, STROKE);
    let caption = Label::new(
        "полное наименование, адрес, данные о средствах связи",
        "толық атауы, мекенжайы, байланыс құралдары туралы деректер",
    );
    let caption = Paragraph::new(HEAD_STYLE, caption.inline()).align(Align::Center);
    group.write(typefaces, Area { top: end + 1.5, ..area }, &caption);

    let id = Area { left: width * 0.83, top: end - 13.0, width: width * 0.17 };
    group.frame(id, 14.0, STROKE);
    let caption = Paragraph::new(HEAD_STYLE, "ИИН/БИН / ЖСН/БСН").align(Align::Center);
    group.write(typefaces, Area { top: end - 21.0, ..id }, &caption);
    let number = Paragraph::new(Style::bold(9.0), party.tax_id.to_string()).align(Align::Center);
    group.write(typefaces, Area { top: end - 11.3, ..id }, &number);
    group
}

/// The contract, number and day, and what the paper is called.
fn title(typefaces: &Typefaces, width: f32, document: &Document) -> Group {
    let mut group = Group::default();
    let label = Label::new("Договор (контракт)", "Шарт (келісімшарт)");
    let label_area = Area { left: 0.0, top: 4.0, width: width * 0.11 };
    group.write(typefaces, label_area, &Paragraph::new(BODY, label.stacked()));
    let area = Area { left: width * 0.11, top: 8.0, width: width * 0.53 };
    let end = group.write(typefaces, area, &Paragraph::new(STRONG, contract(document.contract.as_ref())));
    group.underline(Area { top: end + 1.0, ..area }, STROKE);

    let grid = Grid::new(width * 0.34, &[1.0, 1.0]);
    let center = |style, text: String| vec![Paragraph::new(style, text).align(Align::Center)];
    let mut numbers = grid.row(
        typefaces,
        &[
            center(SMALL, Label::new("Номер документа", "Құжаттың нөмірі").stacked()),
            center(SMALL, Label::new("Дата составления", "Жасалған күні").stacked()),
        ],
    );
    let [number, date] = [document.number.to_string(), dates::numeric(document.date)];
    numbers.append(grid.row(typefaces, &[center(STRONG, number), center(STRONG, date)]));
    group.merge(numbers, width * 0.66);

    let name = "АКТ ВЫПОЛНЕННЫХ РАБОТ (ОКАЗАННЫХ УСЛУГ)*\nОРЫНДАЛҒАН ЖҰМЫСТАР (КӨРСЕТІЛГЕН ҚЫЗМЕТТЕР) АКТІСІ*";
    let name_area = Area { left: 0.0, top: (end + 5.0).max(24.0), width: width * 0.64 };
    group.write(typefaces, name_area, &Paragraph::new(Style::bold(9.5), name).align(Align::Center));
    group
}

/// Two storeys, the second of the last three columns alone, and the columns' numbers.
fn head(typefaces: &Typefaces, grid: &Grid) -> Group {
    let mut head = Group::default();
    let mut write = |area: Area, label: Label| {
        let inner = Area { left: area.left + 2.0, top: area.top + 1.5, width: area.width - 4.0 };
        head.write(typefaces, inner, &Paragraph::new(HEAD_STYLE, label.stacked()).align(Align::Center))
    };
    let mut bottom = 0.0_f32;
    for (index, label) in COLUMNS.into_iter().enumerate() {
        bottom = bottom.max(write(grid.span(index, index + 1), label));
    }
    let middle = write(grid.span(5, 8), PERFORMED) + 2.0;
    for (index, label) in PERFORMED_COLUMNS.into_iter().enumerate() {
        bottom = bottom.max(write(Area { top: middle, ..grid.span(index + 5, index + 6) }, label));
    }
    bottom += 2.0;
    for index in 0..5 {
        head.frame(grid.span(index, index + 1), bottom, STROKE);
    }
    head.frame(grid.span(5, 8), middle, STROKE);
    for index in 5..8 {
        head.frame(Area { top: middle, ..grid.span(index, index + 1) }, bottom - middle, STROKE);
    }
    let numbers = std::array::from_fn::<Cell, 8, _>(|index| {
        vec![Paragraph::new(SMALL, (index + 1).to_string()).align(Align::Center)]
    });
    head.append(grid.row(typefaces, &numbers));
    head
}

fn row(position: usize, line: &Line, act: &Act, digits: usize) -> [Cell; 8] {
    let mut name = vec![Paragraph::new(BODY, line.name_ru.as_str())];
    name.extend(line.name_kk.as_ref().map(|kazakh| Paragraph::new(BODY, kazakh.as_str())));
    let report = act.report.as_ref().map_or("–", |report| report.as_str());
    let performed = format!("{}–\n{}", dates::numeric(act.performed.from()), dates::numeric(act.performed.to()));
    [
        vec![Paragraph::figure(BODY, position.to_string()).align(Align::Center)],
        name,
        vec![Paragraph::new(BODY, performed).align(Align::Center)],
        vec![Paragraph::new(BODY, report).align(Align::Center)],
        unit(line),
        vec![Paragraph::figure(BODY, line.quantity.printed(digits))],
        vec![Paragraph::figure(BODY, price(line))],
        vec![Paragraph::figure(BODY, line.sum.to_string())],
    ]
}

/// «Итого», with the quantity if all are of one unit, and «х» where the form has it.
fn below(typefaces: &Typefaces, grid: &Grid, document: &Document) -> Group {
    let mut below = Group::default();
    for (index, (label, amount)) in totals(document).into_iter().enumerate() {
        let mut row = Group::default();
        let label_area = Area { left: 0.0, top: 2.0, width: grid.span(0, 5).width - 4.0 };
        let end = row.write(typefaces, label_area, &Paragraph::new(STRONG, label).align(Align::Right)) + 1.5;
        let quantity = if index == 0 { total_quantity(document) } else { "х".to_owned() };
        let price = Paragraph::new(STRONG, "х").align(Align::Center);
        let figures = [Paragraph::figure(STRONG, quantity), price, Paragraph::figure(STRONG, amount)];
        for (column, paragraph) in figures.into_iter().enumerate() {
            let area = grid.span(column + 5, column + 6);
            row.frame(area, end, STROKE);
            let inner = Area { left: area.left + 3.0, top: 2.0, width: area.width - 6.0 };
            row.write(typefaces, inner, &paragraph);
        }
        below.append(row);
    }
    below
}

fn total_quantity(document: &Document) -> String {
    let mut units = document.lines.iter().map(|line| &line.unit_ru);
    let first = units.next();
    let sum = document.lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.quantity.millionths()));
    match sum.filter(|_| units.all(|unit| Some(unit) == first)) {
        Some(millionths) => Quantity::from_millionths(millionths).printed(quantity_digits(document)),
        None => "х".to_owned(),
    }
}

/// Below the table: the sum in words, what the form asks for, both sides.
fn ending(typefaces: &Typefaces, width: f32, act: &Act) -> Group {
    let mut ending = Group::default();
    let document = &act.document;
    let mut write = |style, text: String, space| {
        ending.space(space);
        let area = Area { left: 0.0, top: ending.height(), width };
        ending.write(typefaces, area, &Paragraph::new(style, text));
    };
    let [russian, kazakh] = words(document.totals.payable);
    write(STRONG, format!("Всего на сумму: {russian} / Барлығы: {kazakh}"), 3.0);
    for note in notes(document) {
        write(NOTE_STYLE, note.to_owned(), 1.0);
    }
    write(Style::regular(7.0), SUPPLIES.to_owned(), 4.0);
    write(Style::regular(7.0), DOCUMENTATION.to_owned(), 3.0);
    ending.space(8.0);

    let half = |left: f32| Area { left: width * left, top: 0.0, width: width * 0.48 };
    let mut sides = signature(typefaces, half(0.0), SUPPLIER, Some(&document.signer));
    sides.merge(signature(typefaces, half(0.52), BUYER, act.buyer_signer.as_ref()), 0.0);
    let below = sides.height() + 4.0;
    for left in [0.0, 0.52] {
        let area = Area { top: below, ..half(left) };
        sides.write(typefaces, area, &Paragraph::new(BODY, STAMP));
    }
    let accepted = Label::new(
        "Дата подписания (принятия) работ (услуг)",
        "Жұмыстарға (қызметтерге) қол қойылған (қабылданған) күн",
    );
    let accepted_area = Area { left: width * 0.60, top: below, width: width * 0.25 };
    let end = sides.write(typefaces, accepted_area, &Paragraph::new(SMALL, accepted.stacked()));
    sides.underline(Area { left: width * 0.86, top: end, width: width * 0.14 }, STROKE);
    ending.append(sides);
    ending.space(6.0);
    for note in FOOTNOTES {
        let area = Area { left: 0.0, top: ending.height(), width };
        ending.write(typefaces, area, &Paragraph::new(NOTE_STYLE, note));
    }
    ending
}
