import SimulationKit
import Testing

@Suite("Scenario scripts")
struct ScenarioScriptTests {
    @Test("RFC 8656 §9: a permission ends after five minutes, whatever is sent")
    func permissionEnds() {
        let story = """
            # Data refreshes nothing.
            at 0 s A allocates
            expect success
            at 1 s A permits 8.0.0.1
            expect success
            at 2 s peer 8.0.0.1:4000 sends hello to A
            expect A receives hello from 8.0.0.1:4000
            at 200 s A sends hi to 8.0.0.1:4000
            expect 8.0.0.1:4000 receives hi
            at 300 s peer 8.0.0.1:4001 sends again to A
            expect A receives again from 8.0.0.1:4001
            at 302 s peer 8.0.0.1:4000 sends late to A
            expect nothing
            at 302 s A sends late to 8.0.0.1:4000
            expect nothing
            """
        #expect(ScenarioScript().play(story) == [])
    }

    @Test("RFC 8656 §12: a channel goes quiet with its permission and comes back with it")
    func channelFollowsPermission() {
        let story = """
            at 0 s A allocates
            at 1 s A binds 16384 to 8.0.0.1:4000
            expect success
            at 2 s A sends hello on 16384
            expect 8.0.0.1:4000 receives hello
            at 3 s peer 8.0.0.1:4000 sends back to A
            expect A receives back on 16384
            at 4 s peer 8.0.0.1:4001 sends other to A
            expect A receives other from 8.0.0.1:4001
            at 302 s A sends late on 16384
            expect nothing
            at 303 s A permits 8.0.0.1
            at 304 s A sends again on 16384
            expect 8.0.0.1:4000 receives again
            at 602 s A sends over on 16384
            expect nothing
            """
        #expect(ScenarioScript().play(story) == [])
    }

    @Test("RFC 8656 §8: a Refresh of zero ends it, once")
    func refreshZero() {
        let story = """
            at 0 s A allocates without credentials
            expect error 401
            at 1 s A refreshes 600
            expect error 437
            at 2 s A allocates
            expect success
            at 3 s A allocates
            expect error 437
            at 4 s A refreshes 0
            expect success
            at 5 s A refreshes 0
            expect error 437
            at 6 s A binds 20480 to 8.0.0.1:4000
            expect error 437
            at 7 s A allocates
            expect success
            at 8 s A binds 20480 to 8.0.0.1:4000
            expect error 400
            at 9 s A permits 127.0.0.1
            expect error 403
            """
        #expect(ScenarioScript().play(story) == [])
    }

    @Test("what goes otherwise is told by line")
    func tellsLines() {
        let problems = ScenarioScript().play("at 0 s A allocates\nexpect error 500\nat 1 s A dances\nnonsense")
        #expect(
            problems == [
                "line 2: expected error 500, saw success", "line 3: “dances” is nothing that a client does",
                "line 4: a step begins with “at” or “expect”",
            ])
    }
}
