use super::*;
use crate::glyphs::{shown, shown_json};

#[test]
fn nothing_hidden_is_logged() {
    struct Output(mpsc::Sender<Vec<u8>>);
    impl Write for Output {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(text.to_vec());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (written, texts) = mpsc::channel();
    for escape in [shown as Escape, shown_json] {
        let (mut writer, flush) = start(Output(written.clone()), escape).unwrap();
        writer.write_all("\"\u{e9}\u{202e}\"\n".as_bytes()).unwrap();
        drop(flush);
    }
    drop(written);
    let all: Vec<u8> = texts.iter().flatten().collect();
    let all = String::from_utf8(all).unwrap();
    assert_eq!(all, "\"\u{e9}\\u{202e}\"\n\"\u{e9}\\u202e\"\n");
}

/// An output that waits for a permit before each write.
struct Slow {
    permits: Receiver<()>,
    written: mpsc::Sender<Vec<u8>>,
}

impl Write for Slow {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.permits.recv();
        let _ = self.written.send(text.to_vec());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_are_written_in_order_and_the_last_ones_at_the_end() {
    let (permit, permits) = mpsc::channel();
    let (written, texts) = mpsc::channel();
    let (mut writer, flush) = start(Slow { permits, written }, shown).unwrap();
    for _ in 0..2 {
        permit.send(()).unwrap();
    }
    writer.write_all(b"one\n").unwrap();
    writer.write_all(b"two\n").unwrap();
    drop(flush);
    drop(permit);
    let all: Vec<u8> = texts.iter().flatten().collect();
    assert_eq!(all, b"one\ntwo\n");
    assert_eq!(writer.lost(), 0);
}

#[test]
fn what_waits_is_bounded_and_what_is_lost_is_counted() {
    let (permit, permits) = mpsc::channel();
    let (written, texts) = mpsc::channel();
    let (mut writer, flush) = start(Slow { permits, written }, shown).unwrap();
    let line = vec![b'x'; 1 << 16];
    let lines = 2 * (MAX_WAITING >> 16) + 1;
    for _ in 0..lines {
        writer.write_all(&line).unwrap();
    }
    assert!(writer.lost() > 0);
    drop(permit);
    drop(flush);
    let all: usize = texts.iter().map(|text| text.len()).sum();
    let kept = lines - usize::try_from(writer.lost()).unwrap();
    assert_eq!(all, kept * line.len());
}

#[test]
fn what_cannot_be_written_is_counted() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (mut writer, flush) = start(Closed, shown).unwrap();
    writer.write_all(b"one\n").unwrap();
    writer.write_all(b"two\n").unwrap();
    drop(flush);
    assert_eq!(writer.lost(), 2);
}

#[test]
fn an_output_that_panics_once_is_written_to_again() {
    struct Faulty(bool, mpsc::Sender<Vec<u8>>);
    impl Write for Faulty {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            assert!(replace(&mut self.0, true), "a fault of this test");
            let _ = self.1.send(text.to_vec());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (written, texts) = mpsc::channel();
    let (mut writer, flush) = start(Faulty(false, written), shown).unwrap();
    writer.write_all(b"one\n").unwrap();
    while writer.restarts() == 0 {
        thread::yield_now();
    }
    writer.write_all(b"two\n").unwrap();
    drop(flush);
    assert_eq!(texts.iter().flatten().collect::<Vec<u8>>(), b"two\n");
}
