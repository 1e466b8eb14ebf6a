package sharedfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// What package syscall lacks. The libraries are of those that Windows loads from
// its own folder alone.
var (
	kernel32                    = syscall.NewLazyDLL("kernel32.dll")
	createNamedPipe             = kernel32.NewProc("CreateNamedPipeW")
	connectNamedPipe            = kernel32.NewProc("ConnectNamedPipe")
	disconnectNamedPipe         = kernel32.NewProc("DisconnectNamedPipe")
	getNamedPipeClientProcessID = kernel32.NewProc("GetNamedPipeClientProcessId")
	descriptorFromString        = syscall.NewLazyDLL("advapi32.dll").NewProc("ConvertStringSecurityDescriptorToSecurityDescriptorW")
)

// https://learn.microsoft.com/windows/win32/api/namedpipeapi/nf-namedpipeapi-createnamedpipew
const (
	pipeAccessOutbound      = 0x00000002
	fileFlagFirstInstance   = 0x00080000
	pipeTypeMessage         = 0x00000004
	pipeRejectRemoteClients = 0x00000008
	errorPipeConnected      = syscall.Errno(535)

	// ownerReads grants the user of the process the right to read, and nobody
	// anything else.
	ownerReads = "D:P(A;;GR;;;OW)"
)

// show shows a text through a named pipe. Its name cannot be guessed, it is made
// only if it is not there, it is open to this user alone, and it gives its text
// only to this process.
func show(text []byte) (*shown, error) {
	name := `\\.\pipe\` + rand.Text()
	pipe, err := newPipe(name, len(text))
	if err != nil {
		return nil, &os.PathError{Op: "CreateNamedPipe", Path: name, Err: err}
	}
	var read bool
	served := make(chan struct{})
	go func() {
		defer close(served)
		read = serve(pipe, text) == nil
	}()
	return &shown{name, func() bool {
		for {
			select {
			case <-served:
				syscall.CloseHandle(pipe)
				return read
			default:
				syscall.CancelIoEx(pipe, nil) // what serve waits for, if it waits already
				time.Sleep(time.Millisecond)
			}
		}
	}}, nil
}

func newPipe(name string, size int) (syscall.Handle, error) {
	sddl, err := syscall.UTF16PtrFromString(ownerReads)
	if err != nil {
		return 0, err
	}
	attributes := syscall.SecurityAttributes{Length: uint32(unsafe.Sizeof(syscall.SecurityAttributes{}))}
	const revision = 1
	if ok, _, err := descriptorFromString.Call(uintptr(unsafe.Pointer(sddl)), revision,
		uintptr(unsafe.Pointer(&attributes.SecurityDescriptor)), 0); ok == 0 {
		return 0, fmt.Errorf("security descriptor: %w", err)
	}
	defer syscall.LocalFree(syscall.Handle(attributes.SecurityDescriptor))
	path, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return 0, err
	}
	pipe, _, err := createNamedPipe.Call(uintptr(unsafe.Pointer(path)), pipeAccessOutbound|fileFlagFirstInstance,
		pipeTypeMessage|pipeRejectRemoteClients, 1, uintptr(size), 0, 0, uintptr(unsafe.Pointer(&attributes)))
	if syscall.Handle(pipe) == syscall.InvalidHandle {
		return 0, err
	}
	return syscall.Handle(pipe), nil
}

// serve gives the text to the first client of this process, and returns when that
// has read it.
func serve(pipe syscall.Handle, text []byte) error {
	for {
		if ok, _, err := connectNamedPipe.Call(uintptr(pipe), 0); ok == 0 && !errors.Is(err, errorPipeConnected) {
			return err
		}
		var client uint32
		ok, _, _ := getNamedPipeClientProcessID.Call(uintptr(pipe), uintptr(unsafe.Pointer(&client)))
		if ok != 0 && int(client) == os.Getpid() {
			break
		}
		disconnectNamedPipe.Call(uintptr(pipe))
	}
	var written uint32
	if err := syscall.WriteFile(pipe, text, &written, nil); err != nil {
		return err
	}
	if err := syscall.FlushFileBuffers(pipe); err != nil { // waits until it is read
		return err
	}
	// An empty message is the end of the file.
	return syscall.WriteFile(pipe, nil, &written, nil)
}
