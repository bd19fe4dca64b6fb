//! The bench that a client is put on: the mock, us, and a tap in front of one or the other.

use tests::{App, Mock, Plan, Tap, wait_until};

use super::score::{Expected, Run, Score};

/// How often a client is run again without us that may do one thing or another.
const CHANCES: usize = 10;

/// A mock, an app in front of it, and what was found.
pub(super) struct Bench {
    pub(super) mock: Mock,
    pub(super) app: App,
    /// In front of the mock, and in front of us: some clients keep a connection over several calls.
    taps: [Tap; 2],
    pub(super) score: Score,
}

/// What a client is given as the addresses of the providers.
#[derive(Clone, Debug)]
pub(super) struct Bases {
    /// Scheme, host and port.
    root: String,
    through: bool,
}

impl Bases {
    /// Those of what listens at `address`: us, or a provider.
    pub(super) fn at(address: std::net::SocketAddr, through: bool) -> Self {
        Self { root: format!("http://{address}"), through }
    }

    /// An OpenAI base URL.
    pub(super) fn openai(&self) -> String {
        format!("{}/v1", self.root)
    }

    /// The address with what stands before a provider's own paths here.
    pub(super) fn below(&self, prefix: &str) -> String {
        format!("{}{}", self.root, if self.through { prefix } else { "" })
    }
}

impl Bench {
    pub(super) async fn new() -> Self {
        let mock = Mock::start().await;
        let app = App::start(mock.address()).await;
        let taps = [Tap::start(mock.address()).await, Tap::start(app.proxy).await];
        Self { mock, app, taps, score: Score::default() }
    }

    /// Lets the client do its work once without us and once through us, and looks at both.
    pub(super) async fn both(
        &mut self,
        what: &str,
        prefix: &str,
        begin: impl Fn(&Mock),
        run: &mut impl AsyncFnMut(&Bases) -> serde_json::Value,
        expected: &Expected<'_>,
    ) -> serde_json::Value {
        if std::env::var_os("LLMFLOW_CLIENTS_VERBOSE").is_some() {
            println!("{what}");
        }
        let mut direct = self.once(false, &begin, run).await;
        let through = self.once(true, &begin, run).await;
        // What it did through us must be something that it does without us.
        for _ in 0..if expected.by_chance { CHANCES } else { 0 } {
            if direct.is_like(&through) {
                break;
            }
            direct = self.once(false, &begin, run).await;
        }
        self.score.same_run(what, &direct, &through);
        self.score.carried(what, prefix, &through);
        self.score.record(what, prefix, &self.app, &through, expected).await;
        direct.outcome
    }

    async fn once(
        &mut self,
        through: bool,
        begin: impl Fn(&Mock),
        run: &mut impl AsyncFnMut(&Bases) -> serde_json::Value,
    ) -> Run {
        begin(&self.mock);
        let tap = &self.taps[usize::from(through)];
        let bases = Bases { root: format!("http://{}", tap.address()), through };
        let outcome = run(&bases).await;
        let heard = tap.heard().await;
        wait_until("the upstream's answers", async || {
            self.mock.exchanges().iter().all(|exchange| exchange.sent.is_some()).then_some(())
        })
        .await;
        Run { outcome, heard, exchanges: self.mock.take() }
    }
}

/// One plan for everything.
pub(super) fn always(plan: &Plan) -> impl Fn(&tests::Exchange) -> Plan {
    let plan = plan.clone();
    move |_| plan.clone()
}
