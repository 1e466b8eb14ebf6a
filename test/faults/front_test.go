//go:build linux

package faults

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// front is the address of a server. Its connections are the fault's until that
// is fixed, and then lead to the server.
type front struct {
	addr   string // host:port
	server string // host:port
	fixed  *atomic.Bool

	refuses bool        // connections, until it is fixed
	fault   conn        // or nil
	times   int         // how many connections the fault has; 0 means all
	tls     *tls.Config // or nil
	connect bool        // it is a proxy that tunnels to the server

	socket   int // refuses connections until it listens
	listener net.Listener
	accepted atomic.Int32
	mu       sync.Mutex
	open     map[net.Conn]bool
}

// conn is what a server does with a connection before it closes it.
type conn func(net.Conn)

func newFront(server string, fixed *atomic.Bool) *front {
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		panic(err)
	}
	name, _ := syscall.Getsockname(socket)
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	return &front{addr: addr, server: server, fixed: fixed, socket: socket, open: map[net.Conn]bool{}}
}

// listen takes connections from now on.
func (f *front) listen() {
	syscall.Listen(f.socket, 16)
	file := os.NewFile(uintptr(f.socket), "")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		panic(err)
	}
	f.serve(l)
}

func (f *front) serve(l net.Listener) {
	f.listener = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.handle(c)
		}
	}()
}

// dropsPackets lets the queue of connections run full.
func (f *front) dropsPackets() {
	f.refuses = true
	syscall.Listen(f.socket, 0)
	if c, err := net.Dial("tcp", f.addr); err == nil {
		time.AfterFunc(time.Minute, func() { c.Close() })
	}
}

func (f *front) handle(c net.Conn) {
	f.mu.Lock()
	f.open[c] = true
	f.mu.Unlock()
	n := int(f.accepted.Add(1))
	if f.fault != nil && !f.fixed.Load() && (f.times == 0 || n <= f.times) {
		f.fault(c)
	} else {
		f.pipe(c)
	}
	c.Close()
	f.mu.Lock()
	delete(f.open, c)
	f.mu.Unlock()
}

// pipe connects c with the server.
func (f *front) pipe(c net.Conn) {
	if f.connect {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	}
	if f.tls != nil {
		c = tls.Server(c, f.tls)
	}
	s, err := net.Dial("tcp", f.server)
	if err != nil {
		return
	}
	go func() {
		io.Copy(s, c)
		s.Close()
	}()
	response := bufio.NewReader(s)
	response.Peek(1)
	time.Sleep(latency)
	io.Copy(c, response)
}

// latency is that of a network. A client may not be done with a request when
// the response comes faster, and the SDK's takes that for a failure.
const latency = 20 * time.Millisecond

// fix is for when fixed is set: what still has the fault is over.
func (f *front) fix() {
	if f.listener == nil {
		f.listen()
	}
	f.drop()
}

func (f *front) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close()
	}
}

func (f *front) close() {
	if f.listener != nil {
		f.listener.Close()
	} else {
		syscall.Close(f.socket)
	}
	f.drop()
}

// then does one thing after another.
func then(steps ...conn) conn {
	return func(c net.Conn) {
		for _, step := range steps {
			step(c)
		}
	}
}

// readRequest reads a request to its end.
func readRequest(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, r.Body)
	}
	time.Sleep(latency)
}

// hang takes what comes until the other side gives up.
func hang(c net.Conn) { io.Copy(io.Discard, c) }

// finish closes this side of the connection.
func finish(c net.Conn) { c.(*net.TCPConn).CloseWrite() }

// reset makes the coming close one that loses data.
func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }

// sends reads a request and sends text, whatever that is.
func sends(text string) conn {
	return func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, text)
	}
}

// repeats sends text until nobody takes it any more.
func repeats(text string, pause time.Duration) conn {
	return func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// status sends a response with at most one header field.
func status(code int, field, body string) conn {
	if field != "" {
		field += "\r\n"
	}
	return sends(fmt.Sprintf("HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s",
		code, http.StatusText(code), len(body), field, body))
}
