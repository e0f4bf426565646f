//! Finders, relations, frames filters, tables.

use crate::shared::{run, show, showing};
use agent::browser::{Attempted, By, Found, Page, Query, Side, Text, Why};

async fn ids(page: &Page, query: &Query) -> Vec<String> {
    let found = page.find(query).await.unwrap();
    found.into_iter().filter(|f| f.visible).map(|f| f.facts.id).collect()
}

fn by(by: By) -> Query {
    Query::by(by)
}

#[test]
fn every_finder_finds_its_own_and_only_that() {
    run(async {
        let (_context, page) = showing(
            "<form><label for=m>Member&nbsp;ID: *</label><input id=m placeholder='10 digits' title='Card number'>
             <label>Date of birth (required) <input id=d type=date></label>
             <span id=lab>Group</span><input id=g aria-labelledby=lab>
             <label>State <select id=s><option>Ohio<option>Texas</select></label></form>
             <img id=logo alt='Payer logo' src='data:image/gif;base64,R0lGODlhAQABAAAAACw=' width=20 height=20>
             <button id=go data-testid=search-btn><b>Search</b> now</button><input type=submit id=sub value='Send it'>
             <div id=outer><p id=p1>Reference <em id=em>A-1</em></p></div>",
        ).await;
        let eq = Text::equals;
        assert_eq!(ids(&page, &Query::label("member id")).await, ["m"]);
        assert_eq!(ids(&page, &Query::label("Date of birth")).await, ["d"]);
        assert_eq!(ids(&page, &Query::label("Group")).await, ["g"]);
        assert_eq!(
            ids(&page, &Query::label("State")).await,
            ["s"],
            "options are not part of the label"
        );
        assert_eq!(ids(&page, &by(By::Placeholder(eq("10 DIGITS")))).await, ["m"]);
        assert_eq!(ids(&page, &by(By::Title(Text::contains("card")))).await, ["m"]);
        assert_eq!(ids(&page, &by(By::Alt(eq("payer logo")))).await, ["logo"]);
        assert_eq!(ids(&page, &by(By::TestId("search-btn".into()))).await, ["go"]);
        assert_eq!(ids(&page, &Query::role("textbox", "Member ID")).await, ["m"]);
        assert_eq!(ids(&page, &Query::role("button", "Search now")).await, ["go"]);
        assert_eq!(ids(&page, &Query::role("combobox", "State")).await, ["s"]);
        assert_eq!(ids(&page, &Query::text("search now")).await, ["go"]);
        assert_eq!(ids(&page, &Query::text("Send it")).await, ["sub"]);
        assert_eq!(ids(&page, &Query::text("Reference A-1")).await, ["p1"]);
        assert_eq!(
            ids(&page, &by(By::Text(Text::matches(r"^A-\d$", false).unwrap()))).await,
            ["em"]
        );
        assert_eq!(ids(&page, &by(By::Xpath("//form//select".into()))).await, ["s"]);
        assert!(
            page.find(&Query::css("div >> (")).await.is_err(),
            "a bad selector is an error, not nothing"
        );
        assert!(page.find(&by(By::Xpath("//[".into()))).await.is_err());
        let bold = page.find(&Query::text("Search")).await.unwrap();
        assert_eq!(bold.len(), 1);
        assert_ne!(bold[0].node, bold[0].stands_for, "the bold word stands for its button");
    });
}

#[test]
fn shadow_roots_are_entered_by_role_even_when_closed_and_by_css_when_open() {
    run(async {
        let (_context, page) = showing(
            "<div id=open></div><div id=closed></div><script>
             open.attachShadow; const o = document.getElementById('open').attachShadow({mode: 'open'});
             o.innerHTML = '<button id=ob>Open one</button>';
             const c = document.getElementById('closed').attachShadow({mode: 'closed'});
             c.innerHTML = '<button id=cb>Closed one</button>';
             c.firstChild.onclick = () => document.title = 'closed clicked'</script>",
        ).await;
        assert_eq!(ids(&page, &Query::css("#ob")).await, ["ob"]);
        assert_eq!(ids(&page, &Query::role("button", "Open one")).await, ["ob"]);
        assert_eq!(ids(&page, &Query::css("#cb")).await, Vec::<String>::new());
        assert_eq!(ids(&page, &Query::role("button", "Closed one")).await, ["cb"]);
        page.click(
            &Query::role("button", "Closed one"),
            crate::shared::soon(),
            &mut agent::browser::Unobserved,
        )
        .await
        .unwrap();
        assert_eq!(page.title().await.unwrap(), "closed clicked");
    });
}

#[test]
fn relations_take_the_nearest_control_on_that_side() {
    run(async {
        let (_context, page) = showing(
            "<style>td { width: 200px; height: 40px }</style><table>
             <tr><td id=t1>Plan</td><td><input id=plan></td><td><input id=plan2></td></tr>
             <tr><td>Phone</td><td><input id=phone></td></tr></table>
             <fieldset><legend>Billing</legend><p>Code <input id=bc></p></fieldset>
             <fieldset><legend>Service</legend><p>Code <input id=sc></p></fieldset>",
        )
        .await;
        let control = || by(By::Control);
        assert_eq!(
            ids(&page, &control().beside(Side::RightOf, Query::text("Plan"))).await,
            ["plan"]
        );
        assert_eq!(
            ids(&page, &control().beside(Side::Below, Query::css("#plan"))).await,
            ["phone"]
        );
        assert_eq!(
            ids(&page, &control().beside(Side::Above, Query::css("#phone"))).await,
            ["plan"]
        );
        assert_eq!(
            ids(&page, &control().beside(Side::LeftOf, Query::css("#plan2"))).await,
            ["plan"]
        );
        let service = by(By::Region(Text::equals("service")));
        assert_eq!(ids(&page, &control().inside(service)).await, ["sc"]);
        let found = page.find(&by(By::Region(Text::equals("Billing")))).await.unwrap();
        assert_eq!(ids(&page, &control().within(found[0].node.clone())).await, ["bc"]);
        let Attempted::Done(known) = page.facts(&found[0].node).await else {
            panic!("it is there")
        };
        assert_eq!(known.role, "group");
    });
}

#[test]
fn dialogs_are_found_by_name_legend_or_heading() {
    run(async {
        let (_context, page) = showing(
            "<dialog open aria-label='Session ending'><button>Stay</button></dialog>
             <div role=dialog><h2>Terms of use</h2><button>Accept</button></div>",
        )
        .await;
        for (name, button) in [("session ending", "Stay"), ("Terms of use", "Accept")] {
            let inside = by(By::Role("button".into(), None))
                .inside(by(By::Dialog(Some(Text::equals(name)))));
            let Attempted::Done(found) = page.one(&inside).await else { panic!("{name}") };
            assert_eq!(found.name, button);
        }
        assert_eq!(page.find(&by(By::Dialog(None))).await.unwrap().len(), 2);
    });
}

#[test]
fn tables_are_read_by_header_with_spans_and_their_rows_can_be_clicked() {
    run(async {
        let (_context, page) = showing(
            "<h2>Requests</h2><table id=t><thead><tr><th rowspan=2>Reference</th><th colspan=2>Dates</th><th rowspan=2>Status</th><th rowspan=2></th></tr>
             <tr><th>from</th><th>to</th></tr></thead>
             <tr><td>A-1</td><td>1/1</td><td>1/9</td><td><img alt=Pending width=9 height=9></td><td><a href='#1'>View</a></td></tr>
             <tr><td>A-2</td><td colspan=2>none</td><td><select><option>Open<option selected>Approved</select></td><td><a href='#2'>View</a></td></tr>
             <tr style='display:none'><td>A-3</td><td></td><td></td><td></td><td></td></tr></table>
             <div role=grid aria-label=Members aria-rowcount=50><div role=row><span role=columnheader>Name</span><span role=columnheader>Born</span></div>
             <div role=row><span role=gridcell>Ada Example</span><span role=gridcell>1970</span></div></div>",
        ).await;
        let tables = page.tables(Some(&Text::equals("Requests"))).await.unwrap();
        assert_eq!(tables.len(), 1);
        let t = &tables[0];
        assert_eq!(t.headers, ["Reference", "Dates from", "Dates to", "Status", ""]);
        let cells: Vec<_> = t.rows.iter().map(|r| r.cells.join("|")).collect();
        assert_eq!(cells, ["A-1|1/1|1/9|Pending|View", "A-2|none|none|Approved|View"]);
        let a2 = t.rows_where(&[("reference", &Text::equals("A-2"))]);
        let view = Query::role("link", "View").within(a2[0].node.clone());
        page.click(&view, crate::shared::soon(), &mut agent::browser::Unobserved).await.unwrap();
        assert!(page.url().ends_with("#2"), "{}", page.url());
        let grid = page.tables(Some(&Text::equals("members"))).await.unwrap();
        assert_eq!(
            (grid[0].headers.join("|"), grid[0].rows[0].cells.join("|"), grid[0].total),
            ("Name|Born".into(), "Ada Example|1970".into(), Some(50))
        );
    });
}

#[test]
fn layout_tables_with_bold_first_rows_have_headers() {
    run(async {
        let (_context, page) = showing("<table><tr><td><b>Code</b></td><td><b>Units</b></td></tr><tr><td>99213</td><td>2</td></tr></table>").await;
        let t = page.tables(None).await.unwrap();
        assert_eq!((t[0].headers.join("|"), t[0].rows.len()), ("Code|Units".into(), 1));
    });
}

#[test]
fn a_handle_dies_with_its_document() {
    run(async {
        let (_context, page) = showing("<button id=b>Go</button>").await;
        let old: Found = page.find(&Query::css("#b")).await.unwrap().remove(0);
        show(&page, "<button id=b>Go</button><p>again</p>").await;
        assert!(matches!(page.value(&old.node).await, Attempted::Wait(Why::Detached)));
        show(&page, "<button id=b onclick='this.remove()'>Go</button>").await;
        let gone = page.find(&Query::css("#b")).await.unwrap().remove(0);
        page.click(&Query::css("#b"), crate::shared::soon(), &mut agent::browser::Unobserved)
            .await
            .unwrap();
        let tried = page.try_click(&gone.node, 0, &mut agent::browser::Unobserved).await;
        assert!(matches!(tried, Attempted::Wait(Why::Detached)), "{tried:?}");
    });
}
