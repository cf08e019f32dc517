//! The page in a browser: what a reader sees of it and does with it.

use std::net::SocketAddr;

use serde_json::json;

use crate::{
    USER,
    browser::Browser,
    common::{address, origin::Origin, process::Process, site::get, wire::Wire, within},
    table::Table,
};

/// A name that is wider than any column of names.
const LONG: &str = "application-server-in-the-second-rack-of-the-third-room";

struct Site {
    front: SocketAddr,
    _lb: Process,
    _origin: Origin,
}

impl Site {
    /// A page that refreshes each second, of servers that are UP, DOWN and in maintenance.
    async fn new() -> Self {
        let (front, nobody) = (address::free(), address::free());
        let origin = Origin::named("s1").await;
        let config = format!(
            "[global]\nlog = [{{ to = \"stdout\" }}]\n\
             [frontend.web]\nbind = [\"{front}\"]\ndefault_backend = \"app\"\n\
             stats = {{ uri = \"/st\", auth = [\"user:secret\"], refresh = \"1s\", admin = \"if TRUE\" }}\n\
             [backend.app]\nserver = [\n\
             {{ name = \"s1\", address = \"{}\", weight = 10, check = {{ interval = \"100ms\" }} }},\n\
             {{ name = \"s2\", address = \"{nobody}\", weight = 30, check = {{ interval = \"100ms\" }}, init_state = \"down\" }},\n\
             {{ name = \"s3\", address = \"{nobody}\", weight = 20, disabled = true }}]\n\
             [backend.other]\nserver = [{{ name = \"{LONG}\", address = \"{nobody}\" }}]\n",
            origin.address()
        );
        Self {
            _lb: Process::lb(&config, &[front]).await,
            front,
            _origin: origin,
        }
    }

    async fn status(&self, server: &str) -> String {
        let table = Table::of(self.front, "/st;csv").await;
        table.get("app", server, "status").to_owned()
    }

    async fn reaches(&self, server: &str, state: &str) {
        within(&format!("{server} to be {state}"), async {
            while self.status(server).await != state {}
        })
        .await;
    }

    /// What a script of the operator's does.
    async fn post(&self, form: &str) {
        let length = form.len();
        let request =
            format!("POST /st HTTP/1.1\r\nHost: a\r\n{USER}Content-Length: {length}\r\n\r\n{form}");
        let answer = Wire::send_to(self.front, request).await.response().await;
        assert_eq!(answer.get("location"), Some("/st;st=DONE"));
    }
}

/// Names in the order in which they are seen.
const NAMES: &str = "[...document.querySelectorAll('main>section:not([hidden]) tbody tr:not([hidden])')]\
                     .map(row => row.dataset.name).join(' ')";

#[tokio::test]
async fn order_filter_ticks_and_place_outlast_a_refresh() {
    let site = Site::new().await;
    let mut browser = Browser::start().await;
    browser.screen(390, false).await;
    browser.open_page(site.front, "/st").await;
    let all = format!("FRONTEND s1 s2 s3 BACKEND {LONG} BACKEND");
    assert_eq!(browser.eval(NAMES).await, all);
    // It is gone if the page is loaded anew.
    browser.eval("window.mark = true").await;
    let sort = "[...document.querySelectorAll('#app thead a')].find(link => link.textContent === 'Wght').click()";
    browser.eval(sort).await;
    let sorted = format!("FRONTEND s2 s3 s1 BACKEND {LONG} BACKEND");
    browser.until(NAMES, sorted).await;
    let sorted = "document.querySelector('#app [aria-sort]').ariaSort + location.pathname";
    browser.until(sorted, "descending/st;sort=-weight").await;
    browser.eval("filter.focus()").await;
    let typed = json!({ "text": "app/s" });
    browser.call("Input.insertText", typed).await;
    browser.until(NAMES, "s2 s3 s1").await;
    browser
        .eval("document.querySelector('#app input[value=s3]').checked = true")
        .await;
    browser
        .eval("document.querySelector('#app .wide').scrollLeft = 300; scrollTo(0, 60)")
        .await;
    let place = "document.querySelector('#app .wide').scrollLeft + ' ' + scrollY";
    assert_eq!(browser.eval(place).await, "300 60");
    // What comes with a refresh and with nothing else.
    site.post("s=s1&action=drain&b=app").await;
    let state = "document.querySelector('#app tr[data-name=s1]').dataset.state";
    browser.until(state, "DRAIN").await;
    assert_eq!(browser.eval(NAMES).await, "s2 s3 s1");
    assert_eq!(browser.eval(place).await, "300 60");
    let rest = "[mark, document.activeElement.id, filter.value, \
                [...document.querySelectorAll('tbody input:checked')].map(box => box.value).join()].join()";
    assert_eq!(browser.eval(rest).await, "true,filter,app/s,s3");
    assert_eq!(browser.complaints, [""; 0]);
}

#[tokio::test]
async fn no_page_is_wider_than_its_screen() {
    let site = Site::new().await;
    site.reaches("s2", "DOWN").await;
    let mut browser = Browser::start().await;
    let mut grounds = Vec::new();
    for (width, dark) in [(1600, false), (1600, true), (820, false), (390, false)] {
        browser.screen(width, dark).await;
        browser.open_page(site.front, "/st").await;
        let sideways = "(it => it.scrollWidth - it.clientWidth)(document.documentElement)";
        assert_eq!(browser.eval(sideways).await, 0, "at {width}");
        // No text is wider than what it stands in, or behind something else.
        let cut = "[...document.querySelectorAll('#tiles li, td, thead th, nav a, .pill, .act, h2')]\
                   .filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.outerHTML).join('\\n')";
        assert_eq!(browser.eval(cut).await, "", "at {width}");
        let names = "[...document.querySelectorAll('tbody th span')].filter(it => it.getBoundingClientRect().right \
                     > it.closest('th').getBoundingClientRect().right + 1).map(it => it.textContent).join()";
        assert_eq!(browser.eval(names).await, "", "at {width}");
        // Figures of one kind stand below each other, but for the last few pixels.
        let spread = "(lefts => Math.max(...lefts) - Math.min(...lefts))([...document.querySelectorAll('table')].map(\
                      table => table.querySelector('thead tr+tr th:nth-child(9)').getBoundingClientRect().left))";
        let spread = browser.eval(spread).await.as_f64().unwrap();
        assert!(spread < 8.0, "{spread} pixels at {width}");
        // A table may be wider on a small screen, but its last column is not out of reach, nor whose row it is.
        let reach = "[...document.querySelectorAll('.wide')].every(wide => { wide.scrollLeft = 9999; \
                     const edge = (which) => wide.querySelector(which).getBoundingClientRect(); \
                     return edge('thead tr+tr th:last-child').right <= innerWidth \
                     && edge('tbody th').left >= 0 && edge('tbody th').right < innerWidth / 2 })";
        assert_eq!(browser.eval(reach).await, true, "at {width}");
        let wider = "[...document.querySelectorAll('.wide')].some(wide => wide.scrollWidth > wide.clientWidth)";
        assert_eq!(browser.eval(wider).await, width < 1000, "at {width}");
        grounds.push(
            browser
                .eval("getComputedStyle(document.body).backgroundColor")
                .await,
        );
    }
    assert_ne!(grounds[0], grounds[1]);
    assert_eq!(grounds[0], grounds[2]);
    assert_eq!(browser.complaints, [""; 0]);
}

#[tokio::test]
async fn a_server_is_drained_by_keyboard_alone() {
    let site = Site::new().await;
    site.reaches("s1", "UP").await;
    let mut browser = Browser::start().await;
    browser.screen(1400, false).await;
    // It does not refresh meanwhile.
    browser.open_page(site.front, "/st;norefresh").await;
    browser.tab_to("it.id === 'filter'").await;
    browser.tab_to("it.closest('#web thead a')").await;
    browser.tab_to("it.value === 's1'").await;
    browser.space().await;
    browser.tab_to("it.name === 'action'").await;
    let mut action = browser.eval("document.activeElement.value").await;
    while action != "drain" {
        browser.down().await;
        let next = browser.eval("document.activeElement.value").await;
        assert_ne!(action, next, "no such action");
        action = next;
    }
    browser.tab_to("it.tagName === 'BUTTON'").await;
    browser.enter().await;
    let said = "!!document.querySelector('.said.good[role=status]')";
    browser.until(said, true).await;
    assert_eq!(
        browser.eval("location.pathname").await,
        "/st;st=DONE;norefresh"
    );
    site.reaches("s1", "DRAIN").await;
    assert_eq!(browser.complaints, [""; 0]);
}

#[tokio::test]
async fn links_and_the_form_work_without_the_script() {
    let site = Site::new().await;
    site.reaches("s1", "UP").await;
    let mut browser = Browser::start().await;
    let none = json!({ "value": true });
    let disable = "Emulation.setScriptExecutionDisabled";
    browser.call(disable, none).await;
    browser.screen(1400, false).await;
    browser.open_page(site.front, "/st;norefresh").await;
    // What only the script can do is not offered.
    let offered = "getComputedStyle(document.querySelector('.find')).display";
    assert_eq!(browser.eval(offered).await, "none");
    let sort = "it.textContent === 'Wght' && it.closest('#app')";
    browser.tab_to(sort).await;
    browser.enter().await;
    let sorted = format!("FRONTEND s2 s3 s1 BACKEND {LONG} BACKEND");
    browser.until(NAMES, sorted).await;
    browser.tab_to("it.value === 's1'").await;
    browser.space().await;
    browser.tab_to("it.name === 'action'").await;
    browser.eval("document.activeElement.value = 'maint'").await;
    browser
        .tab_to("it.tagName === 'BUTTON' && it.closest('#app')")
        .await;
    browser.enter().await;
    site.reaches("s1", "MAINT").await;
    // The view is the one that was asked for.
    let path = "/st;st=DONE;norefresh;sort=-weight";
    browser.until("location.pathname", path).await;
}

/// The operator is logged in, and looks at a page that somebody else has made.
#[tokio::test]
async fn the_form_of_another_site_changes_nothing() {
    let site = Site::new().await;
    site.reaches("s1", "UP").await;
    let mut browser = Browser::start().await;
    let form = format!(
        "<form method=post action=http://{}/st><input name=s value=s1><input name=action value=drain>\
         <input name=b value=app></form><script>document.forms[0].submit()</script>",
        site.front
    );
    browser.open(&format!("data:text/html,{form}")).await;
    let said = "location.pathname + !!document.querySelector('.said.bad')";
    browser.until(said, "/st;st=DENYtrue").await;
    assert_eq!(site.status("s1").await, "UP");
    // It is answered to the operator, who would not be there without a password.
    let stranger = Wire::send_to(site.front, get("/st", ""))
        .await
        .response()
        .await;
    assert_eq!(stranger.status(), 401);
}
