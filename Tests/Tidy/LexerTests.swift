import Testing

@Suite("Lexer of the rules")
struct LexerTests {
    private func words(_ text: String) -> [String] { SourceText(text).tokens.map(\.text) }

    @Test("comments nest and leave no tokens")
    func comments() {
        let source = SourceText("a // one! \"two\nb /* three /* four */ five */ c\n/* six\nseven */ d")
        #expect(source.tokens.map(\.text) == ["a", "b", "c", "d"])
        #expect(source.tokens.map(\.line) == [1, 2, 2, 4])
        #expect(source.comments[1] == "// one! \"two")
        #expect(source.comments[3] == "/* six")
        #expect(source.comments[4] == "seven */")
    }

    @Test("strings are one token, and their interpolations are code")
    func strings() {
        #expect(words(#"f("a // b", "c\"d")"#) == ["f", "(", "a // b", ",", "c\"d", ")"])
        #expect(words(#"x = "n \(value!) m""#) == ["x", "=", "n  m", "value", "!"])
        #expect(words(##"#"a\(b)"c"# d"##) == [#"a\(b)"c"#, "d"])
        #expect(words("\"\"\"\n  a \"quoted\" b\n  \"\"\" c") == ["\n  a \"quoted\" b\n  ", "c"])
        #expect(words(#""a\(g("b", (1)))" c"#) == ["a", "g", "(", "b", ",", "(", "1", ")", ")", "c"])
    }

    @Test("lines count through multi-line strings")
    func lines() {
        #expect(SourceText("\"\"\"\na\nb\n\"\"\"\nc").tokens.map(\.line) == [1, 5])
    }

    @Test("a character constant of C is not the beginning of a string")
    func characters() {
        #expect(
            SourceText(#"c = '"'; d = '\'';"#, language: .c).tokens.map(\.text) == [
                "c", "=", #"'"'"#, ";", "d", "=", #"'\''"#, ";",
            ])
    }

    @Test(
        "text that ends in the middle of something does not trap", arguments: ["\"", "\"\\", "\"\\(", "/*", "#", "'\\"])
    func truncated(text: String) {
        _ = SourceText(text)
        _ = SourceText(text, language: .c)
    }

    @Test("bodies of declarations are found, and only those")
    func functions() {
        let source = SourceText(
            """
            protocol P {
                func required(a: Int) -> Int
                var stored: Int { get }
            }
            struct S {
                var plain = 1
                init?<T>(
                    a: T, b: (Int) -> Void = { _ in }
                )
                where T: Sendable,
                    T: Hashable
                {
                    self.init()
                }
                func f() throws(E) -> [Int: (A, B)] { [:] }
                var computed: Int {
                    if var x = y { return x }
                    return 2
                }
                subscript(i: Int) -> Int {
                    3
                }
                deinit {
                }
            }
            """)
        #expect(source.functions.map(\.name) == ["stored", "init", "f", "computed", "subscript", "deinit"])
        #expect(source.functions.map(\.lineCount) == [1, 8, 1, 4, 3, 2])
    }

    @Test("a reason counts on the line and in the comment directly above")
    func reasons() {
        let source = SourceText("a // reason: x\n// reason: long\n// comment\nb\nc\n\n// reason: y\n\nd")
        #expect([1, 4, 5, 9].map(source.givesReason(at:)) == [true, true, false, false])
    }
}
