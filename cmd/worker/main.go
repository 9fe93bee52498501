// Command worker consumes an AsyncQueue: it gives each message to a web service
// or to a command. See worker/command for its flags and subcommands.
package main

import "github.com/asyncqueue/operator/worker/command"

func main() { command.Main(nil) }
