package main

import "os"

// piped are the shared config files that were pipes.
var piped []string

// settlePipes has a shared config file that is a pipe read once, as it can be, into a
// private file, for the verbs that look at it more often.
func settlePipes() (remove func(), err error) {
	var copies []string
	remove = func() {
		for _, name := range copies {
			os.Remove(name)
		}
	}
	for _, variable := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		name := os.Getenv(variable)
		info, err := os.Stat(name)
		if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
			continue // what it is, is for the SDK to say
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return remove, err
		}
		file, err := os.CreateTemp("", program+"-") // 0600
		if err != nil {
			return remove, err
		}
		copies, piped = append(copies, file.Name()), append(piped, name)
		_, err = file.Write(text)
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return remove, err
		}
		os.Setenv(variable, file.Name())
	}
	return remove, nil
}
