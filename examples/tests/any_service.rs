//! What the example `any-service` shows.

#[allow(dead_code, reason = "its main is not run")]
#[path = "../examples/any-service.rs"]
mod example;

#[tokio::test(start_paused = true)]
async fn workers_are_filled_one_after_the_other() {
    let done = async |jobs| example::work_off(jobs).await;
    let of = |counts: [u64; 3]| {
        let names = ["large", "medium", "small"].map(String::from);
        names.into_iter().zip(counts).collect::<Vec<_>>()
    };
    assert_eq!(done(3).await, of([3, 0, 0]));
    assert_eq!(done(5).await, of([4, 1, 0]));
    assert_eq!(done(7).await, of([4, 2, 1]));
    assert_eq!(done(70).await, of([40, 20, 10]), "ten times all seven");
}
