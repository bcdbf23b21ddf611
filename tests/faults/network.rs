//! The network's faults.

use support::matrix;
use visionguard_client::view::Status;

use crate::world::World;

#[tokio::test]
async fn fault_14_the_connection_ends_without_a_goodbye() {
    let fault = matrix::row(14, "the proxy ends both directions");
    let world = World::protected().await;
    let mut ids = Vec::new();

    for person in 1..=10 {
        world.chaos.half_close(support::chaos::Way::ToClient);
        world.chaos.half_close(support::chaos::Way::ToServer);
        ids.push(world.backend.detect(world.detection(person)));
        world.desk.until_alerts(u32::try_from(person).unwrap()).await;
        world.desk.until_status(Status::Protected).await;
    }

    world.until_exactly(&ids).await;
    fault.times(10);
    fault.held(&["I1", "I2"]);
}
