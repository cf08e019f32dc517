//! The terminal: drawing, keys, and leaving it as it was.

use std::{
    io,
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
    layout::{Constraint, Layout},
    style::{Color, Modifier, Style},
    text::{Line as Text, Span},
    widgets::{Cell, Row, Table, TableState},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};

use super::{
    super::Failed,
    feed::{Feed, Picture},
    view::{COLUMNS, Line, View, head, is_text},
};

/// How long a signal may wait to be seen.
const GLANCE: Duration = Duration::from_millis(200);

const KEYS: &str = "q quit  ↑↓ choose  d drain  m maint  e ready  s sort  r reverse  / filter";

/// The terminal, which is as it was before when this is dropped; ratatui sees to it in a panic.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

struct Screen<'f> {
    feed: &'f Feed,
    picture: Picture,
    view: View,
    /// What came of the last key, or why nothing new is seen.
    said: String,
    /// Keys are letters of the filter.
    typing: bool,
}

/// Shows pictures until `q` or a signal.
pub(super) fn run(feed: &Feed, picture: Picture, interval: Duration) -> Result<(), Failed> {
    let ended = signals()?;
    let mut terminal = ratatui::try_init()?;
    let _restored = Restored;
    let mut screen = Screen {
        feed,
        picture,
        view: View::default(),
        said: String::new(),
        typing: false,
    };
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
        })?;
    Ok(ended)
}

impl Screen<'_> {
    fn look(&mut self) {
        match self.feed.look() {
            Ok(picture) => self.picture = picture,
            Err(why) => self.said = why.to_string().trim_end().to_owned(),
        }
    }

    /// False if that was the last one.
    fn press(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return false;
        }
        if self.typing {
            self.edit(key.code);
            return true;
        }
        let lines = self.view.lines(&self.picture);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Down | KeyCode::Char('j') => self.view.step(1, lines.len()),
            KeyCode::Up | KeyCode::Char('k') => self.view.step(-1, lines.len()),
            KeyCode::PageDown => self.view.step(20, lines.len()),
            KeyCode::PageUp => self.view.step(-20, lines.len()),
            KeyCode::Char('s') => self.view.sort_on(),
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
        self.view.chosen = 0;
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

    fn draw(&self, frame: &mut Frame<'_>) {
        let areas = Layout::vertical([
            Constraint::Length(1),
            Constraint::Min(1),
            Constraint::Length(1),
        ]);
        let [top, middle, bottom] = areas.areas(frame.area());
        frame.render_widget(Text::from(head(&self.picture.info)), top);
        let lines = self.view.lines(&self.picture);
        let mut state = TableState::default();
        state.select((!lines.is_empty()).then(|| self.view.chosen.min(lines.len() - 1)));
        frame.render_stateful_widget(self.table(&lines), middle, &mut state);
        let foot = match (self.typing, self.said.as_str(), self.view.filter.as_str()) {
            (true, _, filter) => format!("/{filter}_"),
            (false, "", "") => KEYS.to_owned(),
            (false, "", filter) => format!("/{filter}  {KEYS}"),
            (false, said, _) => said.to_owned(),
        };
        frame.render_widget(
            Span::styled(foot, Style::new().add_modifier(Modifier::DIM)),
            bottom,
        );
    }

    fn table(&self, lines: &[Line]) -> Table<'static> {
        let aligned = |text: String, key: &str| {
            let text = Text::from(text);
            Cell::from(if is_text(key) {
                text
            } else {
                text.right_aligned()
            })
        };
        let header = COLUMNS.iter().enumerate().map(|(at, (name, key, _))| {
            let mark = match self.view.sort == Some(at) {
                true if self.view.reverse => "▼",
                true => "▲",
                false => "",
            };
            aligned(format!("{name}{mark}"), key)
        });
        let rows = lines.iter().map(|line| {
            let cells = line
                .iter()
                .zip(COLUMNS)
                .map(|(text, (_, key, _))| aligned(text.clone(), key));
            Row::new(cells.collect::<Vec<_>>()).style(colour(line))
        });
        Table::new(
            rows.collect::<Vec<_>>(),
            COLUMNS.map(|(_, _, width)| Constraint::Length(width)),
        )
        .header(
            Row::new(header.collect::<Vec<_>>()).style(Style::new().add_modifier(Modifier::BOLD)),
        )
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED))
    }
}

fn colour(line: &Line) -> Style {
    let (name, status) = (line[1].as_str(), line[2].as_str());
    let style = match status {
        status if status.starts_with("DOWN") || status == "STOP" => Style::new().fg(Color::Red),
        status
            if ["MAINT", "DRAIN", "NOLB", "PAUSED", "FULL"]
                .iter()
                .any(|s| status.starts_with(s)) =>
        {
            Style::new().fg(Color::Yellow)
        }
        _ => Style::new(),
    };
    match name {
        "FRONTEND" | "BACKEND" => style.add_modifier(Modifier::BOLD),
        _ => style,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ratatui::{Terminal, backend::TestBackend};
    use serde_json::json;

    use super::*;

    fn screen(feed: &Feed) -> Screen<'_> {
        Screen {
            feed,
            picture: Picture {
                info: json!({ "Version": "1" }),
                rows: vec![
                    json!({ "pxname": "app", "svname": "a", "status": "UP", "stot": 5 }),
                    json!({ "pxname": "app", "svname": "b", "status": "DOWN", "stot": 7 }),
                ],
            },
            view: View::default(),
            said: String::new(),
            typing: false,
        }
    }

    fn drawn(screen: &Screen<'_>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(140, 6)).unwrap();
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
        let before = drawn(&screen);
        assert!(
            before.find("a  ").is_some() && before.contains("q quit"),
            "{before}"
        );
        assert!(press(&mut screen, "sr"));
        let sorted = drawn(&screen);
        assert!(sorted.contains("PROXY▼"), "{sorted}");
        assert!(press(&mut screen, "/b"));
        screen.press(KeyEvent::from(KeyCode::Enter));
        let filtered = drawn(&screen);
        assert!(
            filtered.contains("DOWN") && !filtered.contains(" UP "),
            "{filtered}"
        );
        assert!(filtered.contains("/b  q quit"), "{filtered}");
        // No process is there to do it.
        assert!(press(&mut screen, "d"));
        assert!(drawn(&screen).contains("cannot connect to /nonexistent"));
        assert!(!press(&mut screen, "q"));
    }
}
