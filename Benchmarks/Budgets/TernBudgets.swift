/// Does every operation a known number of times, between marks that a profiler is told to look for.
///
/// Benchmarks/budgets runs it under callgrind, which dumps and clears its counts at each mark: the dumps after the
/// first are the operations, in the order in which their names are printed.
@main
enum TernBudgets {
    static func main() {
        var marks = 0
        let wanted = Set(CommandLine.arguments.dropFirst())
        for operation in Operation.allCases where wanted.isEmpty || wanted.contains(operation.rawValue) {
            var scene = Scene(operation)
            scene.run(operation.count)
            mark(&marks)
            scene.run(operation.count)
            mark(&marks)
            print("\(operation.rawValue) \(operation.count)")
        }
    }

    /// The profiler knows it by its name, which a function keeps that is not optimised.
    @_optimize(none)
    @_silgen_name("tern_budgets_mark")
    private static func mark(_ marks: inout Int) { marks += 1 }
}
