//! Addresses, secrets and sending: ports with little to them.

use domain::message::QueueName;
use domain::ports::AddressHolder;

use super::{Subject, Verdict, message, object, person};

pub async fn an_address_belongs_to_its_first_holder_for_ever(subject: &impl Subject) -> Verdict {
    let addresses = subject.addresses();
    let (ours, theirs) = (AddressHolder::Person(person(1)?), AddressHolder::Person(person(2)?));
    let tenants = AddressHolder::Object(object(1)?);
    assert_eq!(addresses.claim("a@contoso.example", &ours).await?, ours);
    assert_eq!(addresses.claim("a@contoso.example", &theirs).await?, ours);
    assert_eq!(addresses.claim("a@contoso.example", &tenants).await?, ours);
    assert_eq!(addresses.claim("a@contoso.example", &ours).await?, ours);
    assert_eq!(addresses.claim("b@contoso.example", &tenants).await?, tenants);
    assert_eq!(addresses.claim("b@contoso.example", &ours).await?, tenants);
    Ok(())
}

pub async fn an_address_is_the_same_in_any_case(subject: &impl Subject) -> Verdict {
    let addresses = subject.addresses();
    let (ours, theirs) = (AddressHolder::Person(person(1)?), AddressHolder::Person(person(2)?));
    assert_eq!(addresses.claim("Zoe.MÜLLER@contoso.example", &ours).await?, ours);
    assert_eq!(addresses.claim("zoe.müller@CONTOSO.example", &theirs).await?, ours);
    Ok(())
}

pub async fn a_secret_is_read_often_and_taken_once(subject: &impl Subject) -> Verdict {
    let vault = subject.vault();
    assert_eq!(vault.peek("credential/bamboo:1").await?, None);
    vault.put("credential/bamboo:1", "one").await?;
    for _ in 0..2 {
        assert_eq!(vault.peek("credential/bamboo:1").await?.as_deref(), Some("one"));
    }
    assert_eq!(vault.take("credential/bamboo:2").await?, None);
    assert_eq!(vault.take("credential/bamboo:1").await?.as_deref(), Some("one"));
    assert_eq!(vault.take("credential/bamboo:1").await?, None);
    assert_eq!(vault.peek("credential/bamboo:1").await?, None);
    Ok(())
}

pub async fn a_secret_sealed_again_is_replaced(subject: &impl Subject) -> Verdict {
    let vault = subject.vault();
    vault.put("../a", "a longer secret").await?;
    vault.put("../b", "").await?;
    vault.put("../a", "short").await?;
    assert_eq!(vault.take("../a").await?.as_deref(), Some("short"));
    assert_eq!(vault.take("../b").await?.as_deref(), Some(""));
    Ok(())
}

pub async fn messages_of_a_group_come_in_the_order_they_were_sent(subject: &impl Subject) -> Verdict {
    for number in 0..12 {
        let (id, body) = (format!("id-{number}"), format!("{{\"n\":{number}}}"));
        subject.outbox().send(QueueName::People, message("bamboo:1", &id, &body)).await?;
    }
    let expected: Vec<_> = (0..12).map(|number| format!("{{\"n\":{number}}}")).collect();
    assert_eq!(subject.drain(QueueName::People).await?, expected);
    Ok(())
}

pub async fn an_equal_id_is_dropped_even_after_the_first_was_deleted(subject: &impl Subject) -> Verdict {
    let (outbox, queue) = (subject.outbox(), QueueName::Groups);
    outbox.send(queue, message("bamboo:1", "same", "1")).await?;
    outbox.send(queue, message("bamboo:1", "same", "2")).await?;
    assert_eq!(subject.drain(queue).await?, ["1"]);
    outbox.send(queue, message("bamboo:2", "same", "3")).await?;
    outbox.send(queue, message("bamboo:2", "other", "4")).await?;
    assert_eq!(subject.drain(queue).await?, ["4"]);
    Ok(())
}

pub async fn an_equal_id_on_another_queue_is_another_message(subject: &impl Subject) -> Verdict {
    for queue in QueueName::ALL {
        subject.outbox().send(queue, message("bamboo:1", "same", queue.as_str())).await?;
    }
    for queue in QueueName::ALL {
        assert_eq!(subject.drain(queue).await?, [queue.as_str()]);
    }
    Ok(())
}
