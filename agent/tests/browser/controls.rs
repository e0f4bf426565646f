//! Text, masks, dates, choices, suggestions, files, keys.

use crate::shared::{briefly, done, refused, run, showing, soon, until, waits};
use agent::browser::{
    Attempted, Deadline, Node, NotDone, Page, Query, Stop, Text, Tries, Unobserved, Why,
};

async fn node(page: &Page, css: &str) -> Node {
    page.find(&Query::css(css)).await.unwrap().remove(0).node
}

async fn value(page: &Page, css: &str) -> String {
    match page.value(&node(page, css).await).await {
        Attempted::Done(v) => v,
        other => panic!("{other:?}"),
    }
}

async fn choose(
    page: &Page,
    css: &str,
    label: &str,
    deadline: Deadline,
) -> Result<String, NotDone> {
    let node = node(page, css).await;
    let mut tries = Tries::until(deadline);
    loop {
        let tried =
            page.try_choose(&node, &Text::equals(label), tries.count(), &mut Unobserved).await;
        if let Some(done) = tries.next(tried).await? {
            return Ok(done);
        }
    }
}

#[test]
fn text_goes_into_all_kinds_of_text_controls() {
    run(async {
        let (_context, page) = showing(
            "<input id=a value=old><textarea id=b>old</textarea><div id=c contenteditable>old</div><input id=d type=email>
             <input id=ro readonly><input id=cb type=checkbox><output id=o></output>
             <script>a.oninput = () => o.value = 'seen ' + a.value</script>",
        ).await;
        for (css, text) in
            [("#a", "Peña 李"), ("#b", "two\nlines"), ("#c", "rich"), ("#d", "a@b.test")]
        {
            assert_eq!(page.fill(&Query::css(css), text, soon()).await.unwrap(), text, "{css}");
        }
        assert_eq!(value(&page, "#o").await, "seen Peña 李");
        assert_eq!(page.fill(&Query::css("#a"), "", soon()).await.unwrap(), "");
        refused(
            async |deadline| page.fill(&Query::css("#ro"), "x", deadline).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::ReadOnly, .. }),
        )
        .await;
        let tick = page.fill(&Query::css("#cb"), "x", soon()).await.unwrap_err();
        assert!(matches!(tick, NotDone::Stopped(Stop::WrongKind(_))), "{tick}");
    });
}

#[test]
fn a_mask_that_only_listens_to_keys_is_typed_and_a_cut_value_is_not_taken() {
    run(async {
        let (_context, page) = showing(
            "<input id=m><input id=max maxlength=4><script>let d = '';
             m.onkeydown = e => { if (/^\\d$/.test(e.key)) d += e.key; if (e.key == 'Delete') d = ''; };
             m.oninput = () => { m.value = d.length > 3 ? '(' + d.slice(0,3) + ') ' + d.slice(3) : d }</script>",
        ).await;
        assert_eq!(page.fill(&Query::css("#m"), "5551234", soon()).await.unwrap(), "(555) 1234");
        refused(
            async |deadline| page.fill(&Query::css("#max"), "123456", deadline).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::NotShown, .. }),
        )
        .await;
    });
}

#[test]
fn secrets_are_typed_without_being_read_back() {
    run(async {
        let (_context, page) = showing("<input id=p type=password><output id=n></output><script>p.oninput = () => n.value = p.value.length</script>").await;
        let field = node(&page, "#p").await;
        let typed = done(async |_| page.type_text_unlogged(&field, "correct horse").await).await;
        assert_eq!(typed, 13);
        assert_eq!(value(&page, "#p").await, "\u{2022}".repeat(13));
        assert_eq!(value(&page, "#n").await, "13");
    });
}

#[test]
fn dates_go_into_native_and_typed_controls() {
    run(async {
        let (_context, page) = showing("<input id=d type=date><input id=t placeholder='DD/MM/YYYY'><output id=o></output><script>d.onchange = () => o.value = 'changed'</script>").await;
        let (native, typed) = (node(&page, "#d").await, node(&page, "#t").await);
        let shown = done(async |_| page.try_fill_date(&native, "2026-11-02").await).await;
        assert_eq!(shown, "2026-11-02");
        assert_eq!(value(&page, "#o").await, "changed");
        let shown = done(async |_| page.try_fill_date(&typed, "2026-11-02").await).await;
        assert_eq!(shown, "02/11/2026");
        let wrong = page.try_fill(&native, "soon").await;
        assert!(matches!(wrong, Attempted::Stop(Stop::Rejected(_))), "{wrong:?}");
    });
}

#[test]
fn choices_by_label_in_selects_radios_and_custom_lists() {
    run(async {
        let (_context, page) = showing(
            "<select id=s><option value=1>Inpatient<option value=2>Out&nbsp;patient<option disabled>Closed</select><output id=o></output>
             <fieldset id=r><legend>Urgency</legend><label><input type=radio name=u value=s> Standard</label>
             <label><input type=radio name=u value=e style='position:absolute;opacity:0;width:0;height:0'> Expedited</label></fieldset>
             <button id=c role=combobox aria-expanded=false aria-controls=l>Pick</button><ul id=l role=listbox hidden><li role=option>Red<li role=option>Dark red</ul>
             <script>s.onchange = () => o.value = s.value;
             c.onclick = () => { setTimeout(() => { l.hidden = !l.hidden; c.ariaExpanded = !l.hidden }, 100) };
             l.onclick = e => { c.textContent = e.target.textContent; l.hidden = true; c.ariaExpanded = false }</script>",
        ).await;
        let chosen = async |css, label| choose(&page, css, label, soon()).await.unwrap();
        assert_eq!(chosen("#s", "out patient").await, "Out patient");
        assert_eq!(value(&page, "#o").await, "2");
        refused(
            async |deadline| choose(&page, "#s", "Nope", deadline).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::NoOption(list), .. } if list.len() == 3),
        )
        .await;
        refused(
            async |deadline| choose(&page, "#s", "Closed", deadline).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::Disabled, .. }),
        )
        .await;
        assert_eq!(chosen("#r", "expedited").await, "Expedited");
        assert_eq!(value(&page, "input[value=e]").await, "true");
        assert_eq!(chosen("#c", "Red").await, "Red");
        assert_eq!(value(&page, "#c").await, "Red");
    });
}

#[test]
fn ticks_are_idempotent_and_a_box_that_reverts_is_noticed() {
    run(async {
        let (_context, page) = showing(
            "<label><input id=a type=checkbox> Agree</label><input id=b type=checkbox onclick='event.preventDefault()'>
             <span id=w role=switch aria-checked=false onclick='setTimeout(() => this.ariaChecked = \"true\", 150)'>On</span>",
        ).await;
        let tick = async |node: &Node, n| page.try_tick(node, true, n, &mut Unobserved).await;
        let agree = node(&page, "#a").await;
        for _ in 0..2 {
            assert!(done(async |n| tick(&agree, n).await).await);
        }
        assert_eq!(value(&page, "#a").await, "true");
        let reverts = node(&page, "#b").await;
        waits(async |n| tick(&reverts, n).await, |why| *why == Why::NotShown).await;
        let late = node(&page, "#w").await;
        assert!(done(async |n| tick(&late, n).await).await);
    });
}

#[test]
fn a_suggestion_is_waited_for_and_exactly_one_is_taken() {
    run(async {
        let (_context, page) = showing(
            "<input id=q role=combobox aria-controls=l><ul id=l role=listbox></ul><script>
             const all = ['J45 Asthma', 'J45.9 Asthma, unspecified', 'J46 Status']; let t;
             q.onkeyup = () => { clearTimeout(t); t = setTimeout(() => { l.innerHTML = all.filter(a => a.startsWith(q.value)).map(a => `<li role=option>${a}</li>`).join('') }, 250) };
             l.onmousedown = e => { q.value = e.target.textContent; l.innerHTML = '' }</script>",
        ).await;
        let field = node(&page, "#q").await;
        let shown = page
            .typeahead(
                &field,
                "J45",
                &Text::equals("j45.9 asthma, unspecified"),
                soon(),
                &mut Unobserved,
            )
            .await
            .unwrap();
        assert_eq!(shown, "J45.9 Asthma, unspecified");
        let pick = Text::equals("J47");
        refused(
            async |deadline| page.typeahead(&field, "J4", &pick, deadline, &mut Unobserved).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::NoOption(list), .. } if list.len() == 3),
        )
        .await;
    });
}

#[test]
fn a_list_that_closed_by_itself_is_asked_for_again() {
    run(async {
        let (_context, page) = showing(
            "<input id=q role=combobox aria-controls=l><ul id=l role=listbox></ul><script>
             let typed = 0;
             q.onkeyup = () => { typed += 1; if (typed > 1) l.innerHTML = '<li role=option>River Imaging</li>' };
             l.onmousedown = e => { q.value = e.target.textContent; l.innerHTML = '' }</script>",
        ).await;
        let field = node(&page, "#q").await;
        let pick = Text::equals("River Imaging");
        let shown = page.typeahead(&field, "riv", &pick, soon(), &mut Unobserved).await.unwrap();
        assert_eq!(shown, "River Imaging");
    });
}

#[test]
fn a_list_laid_under_its_field_is_picked_from_although_it_has_no_roles() {
    run(async {
        let (_context, page) = showing(
            "<ul><li>River Imaging is not a suggestion</li></ul><input id=q autocomplete=off>
             <ul id=l style='position: absolute; display: none; margin: 0'></ul><script>
             q.onkeyup = () => {
               l.innerHTML = '<li><a>River Imaging (RIV)</a></li><li><a>Riverside (RSD)</a></li>'
               l.style.display = 'block'
               l.style.left = `${q.offsetLeft}px`
               l.style.top = `${q.offsetTop + q.offsetHeight}px`
             }
             l.onclick = e => { q.value = e.target.textContent; l.style.display = 'none' }</script>",
        )
        .await;
        let field = node(&page, "#q").await;
        let pick = Text::contains("(RIV)");
        let shown = page.typeahead(&field, "riv", &pick, soon(), &mut Unobserved).await.unwrap();
        assert_eq!(shown, "River Imaging (RIV)");
        let pick = Text::contains("Lake");
        refused(
            async |deadline| page.typeahead(&field, "riv", &pick, deadline, &mut Unobserved).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::NoOption(list), .. } if *list == ["River Imaging (RIV)", "Riverside (RSD)"]),
        )
        .await;
    });
}

#[test]
fn files_are_attached_to_inputs_and_through_choosers() {
    run(async {
        let (_context, page) = showing(
            "<input type=file id=f><button id=b onclick='hidden_.click()'>Attach</button><script>
             hidden_ = document.createElement('input'); hidden_.type = 'file'; hidden_.onchange = () => document.title = hidden_.files[0].name</script>",
        ).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes 1.pdf");
        std::fs::write(&file, b"12345").unwrap();
        let files = [file];
        let (input, button) = (node(&page, "#f").await, node(&page, "#b").await);
        let shown = done(async |_| page.try_upload(&input, &files, &mut Unobserved).await).await;
        assert_eq!(shown, [("notes 1.pdf".to_owned(), 5)]);
        done(async |_| page.try_upload(&button, &files, &mut Unobserved).await).await;
        until("the page has taken the file", async || {
            (page.title().await.unwrap() == "notes 1.pdf").then_some(())
        })
        .await;
    });
}

#[test]
fn keys_reach_the_focused_control() {
    run(async {
        let (_context, page) = showing(
            "<form onsubmit='document.title=\"sent \"+i.value; return false'><input id=i></form>",
        )
        .await;
        let field = node(&page, "#i").await;
        for keys in ["a", "B", "1", "Backspace"] {
            assert!(matches!(page.press(Some(&field), keys).await, Attempted::Done(())));
        }
        assert!(matches!(page.press(None, "Enter").await, Attempted::Done(())));
        until("the form was sent", async || {
            (page.title().await.unwrap() == "sent aB").then_some(())
        })
        .await;
    });
}

const CALENDAR: &str = "<lf-date id=f></lf-date><output id=o></output><script>
 customElements.define('lf-date', class extends HTMLElement { connectedCallback() {
  const r = this.attachShadow({mode: 'closed'}); let y = 2026, m = 10;
  r.innerHTML = '<span id=v>none</span> <button aria-haspopup=dialog>Choose date</button><div role=dialog hidden><button aria-label=\"Previous month\">‹</button><b id=t></b><button aria-label=\"Next month\">›</button><table role=grid><tbody></tbody></table></div>';
  const [open, prev, next] = r.querySelectorAll('button'), box = r.querySelector('[role=dialog]'), body = r.querySelector('tbody');
  const draw = () => { r.querySelector('#t').textContent = new Date(y, m, 1).toLocaleString('en-US', {month: 'long', year: 'numeric'});
   const lead = new Date(y, m, 1).getDay(); let html = '';
   for (let i = 0; i < 42; i++) { const d = new Date(y, m, 1 - lead + i);
    html += (i % 7 ? '' : '<tr>') + `<td role=gridcell><button ${d.getMonth() != m || d.getDate() == 13 ? 'disabled' : ''}>${d.getDate()}</button></td>`; }
   body.innerHTML = html; };
  const step = n => setTimeout(() => { m += n; y += Math.floor(m / 12); m = (m + 12) % 12; draw() }, 60);
  draw(); open.onclick = () => setTimeout(() => box.hidden = false, 80); prev.onclick = () => step(-1); next.onclick = () => step(1);
  body.onclick = e => { if (e.target.tagName == 'BUTTON') { o.value = r.querySelector('#v').textContent = [m + 1, e.target.textContent, y].join('/'); box.hidden = true } };
 } })</script>";

#[test]
fn a_date_control_that_refuses_typing_is_used_by_its_calendar_even_in_a_closed_root() {
    run(async {
        let (_context, page) = showing(CALENDAR).await;
        let field = node(&page, "#f").await;
        let opener = page.find(&Query::role("button", "Choose date")).await.unwrap().remove(0).node;
        page.pick_date(&opener, "2027-02-28", soon(), &mut Unobserved).await.unwrap();
        assert_eq!(value(&page, "#o").await, "2/28/2027");
        page.pick_date(&opener, "2026-12-01", soon(), &mut Unobserved).await.unwrap();
        assert_eq!(value(&page, "#o").await, "12/1/2026");
        refused(
            async |deadline| page.pick_date(&opener, "2026-12-13", deadline, &mut Unobserved).await,
            |end| matches!(end, NotDone::OutOfTime { why: Why::Disabled, .. }),
        )
        .await;
        assert!(matches!(page.facts(&field).await, Attempted::Done(f) if f.visible));
    });
}

#[test]
fn a_virtual_table_is_scrolled_to_its_end() {
    run(async {
        let (_context, page) = showing(
            "<div id=s style='height:200px;overflow:auto'><div style='height:4000px;position:relative'><table id=t aria-rowcount=100 style='position:absolute'><tbody></tbody></table></div></div>
             <script>const draw = () => { const top = Math.floor(s.scrollTop / 40); t.style.top = top * 40 + 'px';
              t.tBodies[0].innerHTML = Array.from({length: Math.min(6, 100 - top)}, (_, i) => `<tr style='height:40px'><td>Row ${top + i}</td></tr>`).join('') };
              s.onscroll = draw; draw()</script>",
        ).await;
        let table = node(&page, "#t").await;
        let mut seen = std::collections::BTreeSet::new();
        let deadline = soon();
        while !deadline.passed() {
            let Attempted::Done(read) = page.read_table(&table).await else { continue };
            seen.extend(read.rows.into_iter().map(|r| r.cells[0].clone()));
            if seen.len() == 100 {
                break;
            }
            page.scroll_table(&table, false).await;
            page.wait_change(briefly()).await;
        }
        assert_eq!(seen.len(), 100);
        let scrolled = done(async |_| page.scroll_table(&table, true).await).await;
        assert!(scrolled.moved && scrolled.at_end, "{scrolled:?}");
    });
}

#[test]
fn several_can_be_chosen_where_a_list_allows_it() {
    run(async {
        let (_context, page) =
            showing("<select id=s multiple><option>One<option>Two<option>Three</select>").await;
        assert_eq!(choose(&page, "#s", "One", soon()).await.unwrap(), "One");
        assert_eq!(choose(&page, "#s", "Three", soon()).await.unwrap(), "Three");
        assert_eq!(value(&page, "#s").await, "One, Three");
    });
}

#[test]
fn a_calendar_built_anew_each_month_is_stepped_through() {
    run(async {
        let (_context, page) = showing(
            "<input id=f readonly value='10/5/2026'><div id=c hidden></div><script>let y = 2026, m = 9;
             const draw = () => { const days = new Date(y, m + 1, 0).getDate(); let cells = '';
               for (let d = 1; d <= days; d++) cells += (d % 7 == 1 ? '<tr>' : '') + `<td><a href=#>${d}</a></td>`;
               c.innerHTML = `<a class=p title=Prev>back</a><b>${new Date(y, m, 1).toLocaleString('en-US', {month: 'long'})} ${y}</b><a class=n title=Next>on</a><table><tbody>${cells}</table>`;
               c.querySelector('.p').onclick = () => step(-1); c.querySelector('.n').onclick = () => step(1);
               c.querySelector('tbody').onclick = e => { e.preventDefault(); if (e.target.tagName == 'A') setTimeout(() => { f.value = `${m + 1}/${e.target.textContent}/${y}`; c.hidden = true }, 150) } };
             const step = n => { m += n; y += Math.floor(m / 12); m = (m + 12) % 12; draw() };
             draw(); f.onfocus = () => c.hidden = false</script>",
        )
        .await;
        let field = node(&page, "#f").await;
        let shown = page.pick_date(&field, "2027-02-28", soon(), &mut Unobserved).await.unwrap();
        assert_eq!(shown, "2/28/2027", "also when it takes a moment to show");
    });
}
