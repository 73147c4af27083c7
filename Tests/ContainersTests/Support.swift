import Testing

/// `#require` cannot take an expression with a noncopyable value in it; this can.
func unwrap<Value>(_ value: Value?, location: SourceLocation = #_sourceLocation) throws -> Value {
    try #require(value, sourceLocation: location)
}

/// Fails the test unless the condition holds: a plain function, because the checks run thousands of times and
/// because of noncopyable values.
func check(
    _ condition: Bool, _ place: @autoclosure () -> String, location: SourceLocation = #_sourceLocation
) throws {
    if !condition { try #require(Bool(false), "\(place())", sourceLocation: location) }
}
