@main enum Tern { static func main() {} }
