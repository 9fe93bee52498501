package command

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/workerenv"
)

// connectionFlags are the settings that every subcommand needs.
func connectionFlags() []string {
	return []string{
		workerenv.Redis, workerenv.RedisCredentialsDir, workerenv.RedisSentinelCredentials,
		workerenv.RedisTLSCAFile, workerenv.RedisTLSCertFile, workerenv.RedisTLSKeyFile,
		workerenv.RedisTLSServerName, workerenv.RedisTLSInsecureSkipVerify,
		workerenv.Channel,
	}
}

// allFlags are all settings.
func allFlags() []string {
	variables := workerenv.Variables()
	names := make([]string, 0, len(variables))
	for _, v := range variables {
		names = append(names, v.Name)
	}
	return names
}

// bind adds a flag for each named variable. It begins as what the environment
// says, which the usage text does not show: there may be a password in it.
func (c *cli) bind(flags *pflag.FlagSet, names []string) {
	defaults := workerenv.Defaults()
	for _, name := range names {
		v := workerenv.Named(name)
		flag := flags.VarPF(&setting{variable: v, settings: &c.settings}, v.Flag(), "", v.Usage+" ["+v.Name+"]")
		flag.DefValue = v.Text(&defaults)
		if v.IsBool() {
			flag.NoOptDefVal = "true"
		}
	}
}

// setting is one variable as a flag.
type setting struct {
	variable workerenv.Variable
	settings *workerenv.Settings
}

// String returns the value as it would stand in the environment.
func (s *setting) String() string {
	if s.settings == nil {
		return ""
	}
	return s.variable.Text(s.settings)
}

// Set parses the flag's text. The flag's name is added by the caller.
func (s *setting) Set(text string) error {
	err := s.variable.Set(s.settings, text)
	if named := (*workerenv.Error)(nil); errors.As(err, &named) {
		return named.Err
	}
	return err
}

// Type names the kind of value in the usage text.
func (s *setting) Type() string {
	if s.variable.IsBool() {
		return "bool"
	}
	return s.variable.Kind()
}

// redis describes the server that the settings name.
func (c *cli) redis(role string, connections int) redisconn.Config {
	s := c.settings
	return redisconn.Config{
		URL:                    s.Redis,
		CredentialsDir:         s.CredentialsDir,
		SentinelCredentialsDir: s.SentinelCredentialsDir,
		TLS: redisconn.TLS{
			CAFile:             s.TLS.CAFile,
			CertFile:           s.TLS.CertFile,
			KeyFile:            s.TLS.KeyFile,
			ServerName:         s.TLS.ServerName,
			InsecureSkipVerify: s.TLS.InsecureSkipVerify,
		},
		Role:     role,
		PoolSize: connections,
	}
}
