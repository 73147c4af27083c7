import Testing

@testable import tern_bench

/// Pages, from lines of JSON.
@Suite("Pages of tern-bench")
struct PageTests {
    private func record(server: String, title: String = "ChannelData up", microseconds: String = "3.25") -> String {
        """
        {"format":1,"title":"\(title)","server":"\(server)","unit":"datagram","mode":"channel","seconds":2.0,\
        "command":"tern-bench channel --name <b>","delivered":123456,"perSecond":61728.0,\
        "serverMicroseconds":\(microseconds),"serverShare":0.2,"sentInAll":200000,"lostInAll":400,\
        "latency":{"p50":120.5,"p90":200.0,"p99":900.0,"p999":1500.0,"max":2500.0,"count":100000,\
        "curve":[[0,80.0],[50,120.5],[99,900.0],[99.9,1500.0],[100,2500.0]]},\
        "series":[[0.2,0.2,12400,12300,0.21,119.0,850.0],[0.4,0.2,12400,12400,0.2,121.0,910.0]],\
        "caveats":["The generator was at its limit: beware."],"contextSwitches":null,"newer":{"than":"this"}}
        """
    }

    @Test("one run: its figures, charts and caveats")
    func single() throws {
        let page = HTMLPage(runs: [try RunRecord(parsing: record(server: "tern"))]).text
        for text in [
            "<h1>tern: ChannelData up</h1>", "3.25", "61,728", "400 of 200,000 (0.2 %)", "max 2.50 ms",
            "The generator was at its limit: beware.", "Latency by percentile", "--name &lt;b&gt;",
        ] {
            #expect(page.contains(text), "\(text)")
        }
        #expect(!page.contains("<b>"))
    }

    @Test("several runs: bars and columns by name, and no two names are the same")
    func several() throws {
        let texts = [record(server: "tern"), record(server: "coturn", microseconds: "4.5"), record(server: "tern")]
        let page = HTMLPage(runs: try texts.map { try RunRecord(parsing: $0) })
        #expect(page.names == ["tern", "coturn", "tern (2)"])
        #expect(page.text.contains("Server CPU per datagram"))
        #expect(page.text.contains("4.50 µs"))
        #expect(page.text.contains("<th scope=\"col\">tern (2)</th>"))
    }

    @Test("runs of one server differ by what was run")
    func sameServer() throws {
        let texts = [record(server: "tern", title: "up"), record(server: "tern", title: "down")]
        #expect(HTMLPage(runs: try texts.map { try RunRecord(parsing: $0) }).names == ["tern, up", "tern, down"])
    }

    @Test("a run without anything optional has a page as well")
    func sparse() throws {
        let page = HTMLPage(runs: [try RunRecord(parsing: #"{"format":1,"title":"idle"}"#)]).text
        #expect(page.contains("idle"))
    }

    @Test(
        "what is no run is refused", arguments: ["", "{", "[]", "{}", #"{"format":2,"title":"a"}"#, #"{"format":1}"#])
    func refused(text: String) {
        #expect(throws: RunRecordError.self) { try RunRecord(parsing: text) }
    }
}
