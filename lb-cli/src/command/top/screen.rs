//! The terminal: drawing, keys, and leaving it as it was.

use std::{
    io,
    process::exit,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ratatui::{
    Frame,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::{Constraint, Layout, Margin},
    style::{Color, Modifier, Style},
    text::{Line as Text, Span, Text as Words},
    widgets::{Cell, Row, Table, TableState},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use super::{
    super::Failed,
    column::{COLUMNS, GAP, Line, fitting, is_text, widths},
    feed::{Feed, Picture},
    head::{Said, Tone, head, tone},
    view::View,
};

/// How long a signal may wait to be seen.
const GLANCE: Duration = Duration::from_millis(200);

/// How long the loop has to end by itself.
const GRACE: Duration = Duration::from_secs(2);

const KEYS: [(&str, &str); 8] = [
    ("q", "quit"),
    ("↑↓", "choose"),
    ("d", "drain"),
    ("m", "maint"),
    ("e", "ready"),
    ("s", "sort"),
    ("r", "reverse"),
    ("/", "filter"),
];

/// At the left edge, and on both sides of what is chosen.
const MARGIN: u16 = 1;

/// The terminal, which is as it was before when this is dropped; ratatui sees to it in a panic.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        let _ = ratatui::try_restore();
    }
}

struct Screen<'f> {
    feed: &'f Feed,
    picture: Picture,
    view: View,
    /// What came of the last key.
    said: String,
    /// Why nothing new is seen.
    lost: Option<String>,
    /// Keys are letters of the filter.
    typing: bool,
    /// The columns for which there was room.
    columns: Vec<usize>,
}

/// Shows pictures until `q` or a signal.
pub(super) fn run(feed: &Feed, picture: Picture, interval: Duration) -> Result<(), Failed> {
    let ended = signals()?;
    let mut terminal = ratatui::try_init()?;
    let _restored = Restored;
    let mut screen = Screen::new(feed, picture);
    let mut looked = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        terminal.draw(|frame| screen.draw(frame))?;
        if event::poll(GLANCE)?
            && let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
            && !screen.press(key)
        {
            break;
        }
        if looked.elapsed() >= interval {
            screen.look();
            looked = Instant::now();
        }
    }
    Ok(())
}

/// True once somebody wants this process to end: it would die and leave the terminal as it is.
fn signals() -> io::Result<Arc<AtomicBool>> {
    let ended = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut kinds = {
        let _context = runtime.enter();
        [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ]
    };
    let flag = Arc::clone(&ended);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let [terminate, interrupt, hangup] = &mut kinds;
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hangup.recv() => {}
                }
            });
            flag.store(true, Ordering::Relaxed);
            // Reading from a terminal that has gone never returns.
            runtime.block_on(async { sleep(GRACE).await });
            let _ = ratatui::try_restore();
            exit(0);
        })?;
    Ok(ended)
}

impl<'f> Screen<'f> {
    fn new(feed: &'f Feed, picture: Picture) -> Self {
        Self {
            feed,
            picture,
            view: View::default(),
            said: String::new(),
            lost: None,
            typing: false,
            columns: Vec::new(),
        }
    }

    fn look(&mut self) {
        match self.feed.look() {
            Ok(picture) => (self.picture, self.lost) = (picture, None),
            Err(why) => self.lost = Some(why.to_string().trim_end().to_owned()),
        }
    }

    /// False if that was the last one.
    fn press(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return false;
        }
        self.said.clear();
        if self.typing {
            self.edit(key.code);
            return true;
        }
        let lines = self.view.lines(&self.picture);
        match key.code {
            KeyCode::Char('q') => return false,
            // Out of the filter first, then out of all of it.
            KeyCode::Esc if self.view.filter.is_empty() => return false,
            KeyCode::Esc => self.view.filter.clear(),
            KeyCode::Down | KeyCode::Char('j') => self.view.step(1, &lines),
            KeyCode::Up | KeyCode::Char('k') => self.view.step(-1, &lines),
            KeyCode::PageDown => self.view.step(20, &lines),
            KeyCode::PageUp => self.view.step(-20, &lines),
            KeyCode::End => self.view.step(isize::MAX, &lines),
            KeyCode::Home => self.view.step(isize::MIN, &lines),
            KeyCode::Char('s') => self.view.sort_on(&self.columns),
            KeyCode::Char('r') => self.view.reverse = !self.view.reverse,
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char('d') => self.set_state(&lines, "drain"),
            KeyCode::Char('m') => self.set_state(&lines, "maint"),
            KeyCode::Char('e') => self.set_state(&lines, "ready"),
            _ => {}
        }
        true
    }

    fn edit(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.view.filter.clear();
            }
            KeyCode::Backspace => _ = self.view.filter.pop(),
            KeyCode::Char(c) => self.view.filter.push(c),
            _ => {}
        }
    }

    fn set_state(&mut self, lines: &[Line], state: &str) {
        self.said = match self.view.target(lines) {
            Some(server) => {
                let said = self.feed.ask(&format!("set server {server} state {state}"));
                format!("{server} {state}: {said}")
            }
            None => "only a server has a state to set".to_owned(),
        };
        self.look();
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let areas = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(1),
            Constraint::Min(1),
            Constraint::Length(1),
        ]);
        let area = frame.area().inner(Margin::new(MARGIN, 0));
        let [top, _, middle, bottom] = areas.areas(area);
        frame.render_widget(Words::from(head(&self.picture).map(spans).to_vec()), top);
        let lines = self.view.lines(&self.picture);
        let mut state = TableState::default();
        state.select((!lines.is_empty()).then(|| self.view.chosen(&lines)));
        let widths = widths(&lines);
        self.columns = fitting(&widths, middle.width);
        let table = self.table(&lines, state.selected()).widths(
            self.columns
                .iter()
                .map(|at| Constraint::Length(widths[*at])),
        );
        frame.render_stateful_widget(table, middle, &mut state);
        frame.render_widget(self.foot(), bottom);
    }

    fn table(&self, lines: &[Line], chosen: Option<usize>) -> Table<'static> {
        let aligned = |text: String, at: usize| match is_text(COLUMNS[at].key) {
            true => Cell::from(text),
            false => Cell::from(Text::from(text).right_aligned()),
        };
        let header = self.columns.iter().map(|at| {
            let mark = match self.view.sort == Some(*at) {
                true if self.view.reverse => "▼",
                true => "▲",
                false => "",
            };
            aligned(format!("{}{mark}", COLUMNS[*at].title), *at)
        });
        let header = Row::new(header.collect::<Vec<_>>());
        let rows = lines.iter().enumerate().map(|(at, line)| {
            let is_chosen = chosen == Some(at);
            let state = tone(&line[STATUS]);
            let cells = self.columns.iter().map(|at| {
                let tone = match line[*at].as_str() {
                    // All of it in one colour.
                    _ if is_chosen => Tone::Plain,
                    // Whoever is down is seen from afar.
                    _ if *at == STATUS || state == Tone::Bad && *at < STATUS => state,
                    "0" => Tone::Faint,
                    _ => Tone::Plain,
                };
                aligned(line[*at].clone(), *at).style(style(tone))
            });
            let row = Row::new(cells.collect::<Vec<_>>());
            match line[1].as_str() {
                "FRONTEND" | "BACKEND" => row.style(style(Tone::Strong)),
                _ => row,
            }
        });
        Table::default()
            .rows(rows.collect::<Vec<_>>())
            .column_spacing(GAP)
            .header(header.style(style(Tone::Strong).add_modifier(Modifier::UNDERLINED)))
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
    }

    fn foot(&self) -> Text<'static> {
        if self.typing {
            let filter = format!("{}_", self.view.filter);
            return spans(vec![
                (Tone::Strong, format!("/{filter}")),
                (Tone::Faint, "Enter keeps it, Esc drops it".to_owned()),
            ]);
        }
        if let Some(why) = &self.lost {
            return spans(vec![(Tone::Bad, why.clone())]);
        }
        if !self.said.is_empty() {
            return spans(vec![(Tone::Strong, self.said.clone())]);
        }
        let mut foot = Text::default();
        for (key, what) in KEYS {
            foot.push_span(Span::styled(key, style(Tone::Strong)));
            foot.push_span(Span::styled(format!(" {what}  "), style(Tone::Faint)));
        }
        if !self.view.filter.is_empty() {
            let filter = format!("/{}", self.view.filter);
            foot.spans
                .insert(0, Span::styled(filter, style(Tone::Uncertain)));
            foot.spans.insert(1, Span::raw("  "));
        }
        foot
    }
}

/// The place of `STATUS` in [`COLUMNS`].
const STATUS: usize = 2;

fn spans(said: Said) -> Text<'static> {
    let mut line = Text::default();
    for (tone, text) in said {
        if !line.spans.is_empty() {
            line.push_span(Span::raw("  "));
        }
        line.push_span(Span::styled(text, style(tone)));
    }
    line
}

/// The terminal's own colours, which its owner can read.
fn style(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Plain => style,
        Tone::Strong => style.add_modifier(Modifier::BOLD),
        Tone::Faint => style.add_modifier(Modifier::DIM),
        Tone::Good => style.fg(Color::Green),
        Tone::Uncertain => style.fg(Color::Yellow),
        Tone::Away => style.fg(Color::Cyan),
        Tone::Bad => style.fg(Color::Red).add_modifier(Modifier::BOLD),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ratatui::{Terminal, backend::TestBackend};
    use serde_json::json;

    use super::*;

    fn screen(feed: &Feed) -> Screen<'_> {
        let rows = vec![
            json!({ "pxname": "app", "svname": "a", "status": "UP", "stot": 5, "slim": 77 }),
            json!({ "pxname": "app", "svname": "b", "status": "DOWN", "stot": 7 }),
        ];
        let info = json!({ "Version": "1" });
        Screen::new(feed, Picture { info, rows })
    }

    fn drawn(screen: &mut Screen<'_>, width: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, 8)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    fn press(screen: &mut Screen<'_>, keys: &str) -> bool {
        keys.chars()
            .all(|c| screen.press(KeyEvent::from(KeyCode::Char(c))))
    }

    #[test]
    fn keys_sort_and_filter_what_is_drawn() {
        let feed = Feed::new(PathBuf::from("/nonexistent"));
        let mut screen = screen(&feed);
        let before = drawn(&mut screen, 140);
        assert!(before.find(" a ") < before.find(" b "), "{before}");
        assert!(before.contains("q quit"), "{before}");
        assert!(press(&mut screen, "ssr"));
        let sorted = drawn(&mut screen, 140);
        assert!(sorted.contains("NAME▼"), "{sorted}");
        assert!(sorted.find(" b ") < sorted.find(" a "), "{sorted}");
        assert!(press(&mut screen, "/down"));
        assert!(drawn(&mut screen, 140).contains("/down_"));
        screen.press(KeyEvent::from(KeyCode::Enter));
        let filtered = drawn(&mut screen, 140);
        assert!(
            filtered.contains("DOWN") && !filtered.contains(" UP "),
            "{filtered}"
        );
        assert!(filtered.contains("/down  q quit"), "{filtered}");
        assert!(screen.press(KeyEvent::from(KeyCode::Esc)));
        assert!(drawn(&mut screen, 140).contains(" UP "));
        assert!(!press(&mut screen, "q"));
    }

    #[test]
    fn it_is_said_for_as_long_as_nobody_is_there() {
        let feed = Feed::new(PathBuf::from("/nonexistent"));
        let mut screen = screen(&feed);
        drawn(&mut screen, 140);
        assert!(press(&mut screen, "jd"));
        let lost = "cannot connect to /nonexistent";
        assert!(drawn(&mut screen, 140).contains(lost));
        assert!(press(&mut screen, "k"));
        assert!(drawn(&mut screen, 140).contains(lost));
    }

    #[test]
    fn a_narrow_terminal_has_whole_columns() {
        let feed = Feed::new(PathBuf::from("/nonexistent"));
        let mut screen = screen(&feed);
        for (width, limit) in [(160, true), (80, false)] {
            let text = drawn(&mut screen, width);
            assert_eq!(text.contains("LIMIT"), limit, "{text}");
            assert_eq!(text.contains("77"), limit, "{text}");
            assert!(
                text.contains("TOTAL") && text.contains("/ filter"),
                "{text}"
            );
        }
    }
}
