//! Many faults in a row, at random.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Fault {
    Set(u8, u8),
    Delete(u8, u8),
    ForgetDeletes,
    KillSession,
    Down(u16),
    DropCalls,
    Hang(u8),
    WrongToken,
    Wait(u16),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => (0..4_u8, 0..6_u8).prop_map(|(c, n)| Fault::Set(c, n)),
        4 => (0..4_u8, 0..6_u8).prop_map(|(c, n)| Fault::Delete(c, n)),
        2 => Just(Fault::ForgetDeletes),
        1 => Just(Fault::KillSession),
        1 => (1..60_u16).prop_map(Fault::Down),
        2 => Just(Fault::DropCalls),
        1 => (1..40_u8).prop_map(Fault::Hang),
        1 => Just(Fault::WrongToken),
        6 => (1..3_000_u16).prop_map(Fault::Wait),
    ]
}

fn apply(bench: &mut Bench, fault: &Fault, serial: usize) {
    let name = |class: Class, n: u8| format!("{class:?}{n}");
    match fault {
        Fault::Set(class, n) => {
            let class = KINDS[*class as usize];
            bench.toy.set(class, &name(class, *n), &serial.to_string());
        }
        Fault::Delete(class, n) => {
            let class = KINDS[*class as usize];
            bench.toy.delete(class, &name(class, *n));
        }
        Fault::ForgetDeletes => bench.toy.deleted.clear(),
        Fault::KillSession => bench.toy.session = false,
        Fault::Down(secs) => {
            bench.toy.up = false;
            bench.secs(u64::from(*secs));
            bench.toy.restart();
            bench.toy.up = true;
        }
        Fault::DropCalls => {
            for (id, ask, _) in std::mem::take(&mut bench.calls) {
                let error = Bench::fail(crate::xenapi::error::Transport::Reset);
                if let Ask::Host(..) = ask {
                    bench.give(Event::Done(id, Reply::Host { took_ms: 1, said: Err(error) }));
                } else {
                    bench.give(Event::Failed(id, error));
                }
            }
        }
        Fault::Hang(secs) => {
            bench.hang = true;
            bench.secs(u64::from(*secs));
            bench.hang = false;
        }
        Fault::WrongToken => {
            if let Some(at) = bench.calls.iter().position(|(_, ask, _)| matches!(ask, Ask::Poll { .. })) {
                let (id, _, _) = bench.calls.remove(at);
                let code = Code::EventFromTokenParseFailure;
                let error = ApiError { method: "event.from".to_owned(), code, params: vec![] };
                bench.give(Event::Failed(id, Error::Api(error)));
            }
        }
        Fault::Wait(millis) => bench.run(Duration::from_millis(u64::from(*millis))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_picture_is_right_in_the_end(faults in proptest::collection::vec(fault(), 1..60)) {
        let mut bench = Bench::new();
        for (serial, fault) in faults.iter().enumerate() {
            apply(&mut bench, fault, serial);
        }
        // Calm again. Something small changes now and then, as in every pool; a class whose count was wrong all the time may
        // have to wait for its turn.
        for minute in 0..25 {
            bench.toy.set(Class::HostMetrics, "metrics0", &format!("minute {minute}"));
            bench.secs(60);
        }
        prop_assert!(bench.ended.is_none());
        prop_assert!(bench.is_right(), "{:#?}\nis not\n{:#?}", bench.picture.objects, bench.toy.objects);
        let live = matches!(bench.picture.links.last(), Some(Link::Live { .. }));
        prop_assert!(live);
    }
}
