//! Hosts that go down, come back, or vanish.

use super::fake::{START, served};
use super::wire::{Wire, address, call};
use poolwatch::sim::api::Door;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_host_that_goes_down_resets_its_connections_and_refuses_new_ones_until_it_is_back() {
    let sim = served(2, false, 1.0).await;
    let pool = sim.pool();
    let (mut one, mut two) = (Wire::to(pool, 0).await, Wire::to(pool, 1).await);
    two.ask(&call("echo", "[]")).await;
    pool.with(|world| world.doors[1] = Door::Refused);
    assert_eq!(two.answer().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let refused = loop {
        // The listener goes as soon as its task sees the door.
        match TcpStream::connect(address(pool, 1)).await {
            Err(error) => break error,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    one.ask(&call("echo", "[]")).await;
    pool.with(|world| world.doors[1] = Door::Open);
    let mut back = loop {
        match TcpStream::connect(address(pool, 1)).await {
            Ok(_) => break Wire::to(pool, 1).await,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(back.ask(&call("echo", "[]")).await.head[0], "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_host_that_vanishes_answers_nothing_and_goes_on_when_it_is_back() {
    let sim = served(1, false, 1.0).await;
    let pool = sim.pool();
    let mut open = Wire::to(pool, 0).await;
    open.ask(&call("echo", "[]")).await;
    pool.with(|world| world.doors[0] = Door::Silent);
    open.send(&call("echo", "[1]")).await;
    let mut new = Wire::to(pool, 0).await;
    new.send(&call("echo", "[2]")).await;
    for wire in [&mut open, &mut new] {
        assert!(tokio::time::timeout(Duration::from_millis(30), wire.answer()).await.is_err());
    }
    pool.with(|world| world.doors[0] = Door::Open);
    assert!(open.answer().await.unwrap().body.contains("[1]"));
    assert!(new.answer().await.unwrap().body.contains("[2]"));
}

#[tokio::test]
async fn a_reboot_that_is_over_in_an_instant_still_breaks_connections() {
    let sim = served(1, false, 0.0).await;
    let pool = sim.pool();
    let mut wire = Wire::to(pool, 0).await;
    wire.ask(&call("echo", "[]")).await;
    pool.with(|world| {
        world.plan.insert(START + Duration::from_millis(10), (0, Door::Refused));
        world.plan.insert(START + Duration::from_millis(20), (0, Door::Open));
    });
    pool.set_speed(100_000.0);
    assert_eq!(wire.answer().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_stopped_server_lets_go_of_everything() {
    let sim = served(1, false, 1.0).await;
    let at = address(sim.pool(), 0);
    let pool = sim.pool().clone();
    drop(sim);
    while TcpStream::connect(at).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // A handle that is still around does no harm.
    assert_eq!(pool.with(|world| world.doors.len()), 1);
}

#[tokio::test]
async fn several_pools_have_ports_of_their_own_and_a_taken_one_is_said_so() {
    use super::fake::Fake;
    use poolwatch::sim::server::{ServeError, ServeOptions, Site, serve};
    let site = || Site { world: Fake::new(1), identities: Vec::new() };
    let options = ServeOptions { tls: false, ..ServeOptions::default() };
    let sim = serve(vec![site(), site()], &options).await.unwrap();
    let [one, two] = sim.pools() else { panic!() };
    assert_ne!(one.url(), two.url());
    for pool in [one, two] {
        assert_eq!(Wire::to(pool, 0).await.ask(&call("echo", "[]")).await.head[0], "HTTP/1.1 200 OK");
    }
    let taken = ServeOptions { listen: address(one, 0), ..options };
    let Err(error) = serve(vec![site()], &taken).await else { panic!("served twice") };
    assert!(matches!(&error, ServeError::Bind { address: at, .. } if *at == taken.listen), "{error}");
    assert!(error.to_string().ends_with("Another program uses it; choose another one with --listen"), "{error}");
    assert!(matches!(serve(Vec::<Site<Fake>>::new(), &options).await, Err(ServeError::NoHosts)));
}
