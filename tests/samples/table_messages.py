"""Messages, listed and single, and what a right client says of each."""

from typing import Final

from samples.rows import (
    FAMILY,
    FB_GRAPH2,
    IG_GUIDE,
    IG_POSTMAN,
    INSTAGRAM,
    MESSENGER,
    NAMELESS,
    PYFACEBOOK,
    RESTFB,
    ExpectedAttachment,
    ExpectedMessage,
    MessageSample,
    MessagesSample,
    Origin,
)

MESSAGES: Final[tuple[MessagesSample, ...]] = (
    MessagesSample(
        file="messages/v2-time-paging.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=FB_GRAPH2 + "conversation/messages.json",
        version="v2.0 (2015)",
        shape="messages/fbgraph2-conversation-messages",
        note="One message with both previous and next; \\u0040 and \\/ escapes.",
        messages=(
            ExpectedMessage(
                id="m_mid.4066083674667:50e36637c6acc8d9e7",
                created_time="2015-05-19T08:30:15+00:00",
                sender=("243699811", "Tobiah Quell"),
                to=(("343000313743493", "Counter Two"),),
                text="a second try",
                tags=("inbox", "source:web"),
            ),
        ),
        more=True,
    ),
    MessagesSample(
        file="messages/attachment-variety-bare-array.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=RESTFB + "v2_5/messages-with-attachments.json",
        version="v2.5",
        shape="messages/restfb-attachment-variety",
        note=(
            "An array with no data around it; size null; the video holds image_data without a url; "
            "two ids share a prefix."
        ),
        form="array",
        messages=(
            ExpectedMessage(
                id="m_mid.7739888432127:af90253c47ed71307a",
                attachments=(
                    ExpectedAttachment(
                        id="66055487916325",
                        mime_type="image/gif",
                        name="19443180774.gif",
                        image_url="https://cdn.example.com/19443180774.gif",
                    ),
                ),
            ),
            ExpectedMessage(
                id="m_mid.3337843665822:a4c5ee625bfa48c576",
                attachments=(
                    ExpectedAttachment(
                        id="11059182330",
                        mime_type="image/jpeg",
                        name="11650550306.jpg",
                        image_url="https://cdn.example.com/11650550306.jpg",
                    ),
                ),
            ),
            ExpectedMessage(
                id="m_mid.4402340161319:08b196b9658b8c01e1",
                attachments=(
                    ExpectedAttachment(
                        id="57030096909",
                        mime_type="text/plain",
                        name="list.txt",
                        size=98,
                        file_url="https://cdn.example.com/57030096909.txt",
                    ),
                ),
            ),
            ExpectedMessage(
                id="m_mid.80780175359:2298b4359096044bbf",
                attachments=(
                    ExpectedAttachment(
                        id="46268537185",
                        mime_type="application/octet-stream",
                        name="firmware.bin",
                        size=51234,
                        file_url="https://cdn.example.com/46268537185.bin",
                    ),
                ),
            ),
            ExpectedMessage(
                id="m_mid.80780175359:d19a7a04f1f7cb",
                attachments=(
                    ExpectedAttachment(
                        id="296378139508",
                        mime_type="video/mp4",
                        name="video-14024048493.mp4",
                        size=884213,
                        video_url="https://cdn.example.com/14024048493.mp4",
                    ),
                ),
            ),
        ),
    ),
    MessagesSample(
        file="messages/since-polling-one-item.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + " (PHP comment)",
        version="v2.5 (2016)",
        shape="messages/thaishop-messages-since-paging",
        note="The text is digits and a string: it stays text.",
        messages=(
            ExpectedMessage(
                id="m_mid.9781847121049:5ffe5592afd4075d29",
                created_time="2016-04-04T14:24:34+00:00",
                sender=("701965150935267", "Marei Lindqvist"),
                text="37",
            ),
        ),
        more=True,
    ),
    MessagesSample(
        file="messages/keyed-by-id-image-and-video.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source="sns-sdks/python-facebook@c0aa73f4fbd0 (path not recorded)",
        version="v11.0 (2021)",
        shape="messages/pyfacebook-multi-ids-image-video",
        note="An ?ids= lookup of messages. The attachments' next leads to nothing.",
        form="by_id",
        messages=(
            ExpectedMessage(
                id="m_cdQmbcih66ZlvARisN4ShHEOu_xpz4DSiTQkjmvwLGV388H7GHXRd-wvwEFsrikhGJvEzeOzpMrEOZ8z",
                created_time="2021-09-03T13:01:02+00:00",
                sender=("1457500407933791", "Ilse Marwick"),
                to=(("822818662011641", "Copper Kettle Repairs"),),
                text="",
                attachments=(
                    ExpectedAttachment(
                        id="775533652350579",
                        mime_type="image/jpeg",
                        name="image-775533652350579",
                        size=41877,
                        image_url=(
                            "https://cdn.example.com/v/t1.15752-9/775533652350579_n.jpg?_nc_cat=101&ccb=1-3&_nc_sid=5a057b&_n"
                            "c_ohc=sample&_nc_ht=cdn.example.com&oh=2dd1425288cb379037a849b53081ce30&oe=61A1B2C3"
                        ),
                    ),
                ),
            ),
            ExpectedMessage(
                id="m_bDeMQ2uSiR5YMInDyAULM5GXXh0DXilLJn-XrCsaBcbpDAB35egnYZDw2g9OMJhtRZfQu6xVu8N9Y6FT",
                created_time="2021-09-03T13:00:00+00:00",
                sender=("1457500407933791", "Ilse Marwick"),
                to=(("822818662011641", "Copper Kettle Repairs"),),
                attachments=(
                    ExpectedAttachment(
                        id="330068403476898",
                        mime_type="video/mp4",
                        name="video-14024048493.mp4",
                        size=884213,
                        video_url="https://cdn.example.com/14024048493.mp4",
                    ),
                ),
            ),
        ),
    ),
    MessagesSample(
        file="messages/middle-page-v20.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 3.1",
        messages=(
            ExpectedMessage(
                id="m_VxR8WUdoG1B73j55sLHxbbE7weZXvgUDWvGy-YEk9TRcV9KKKnzAT7XOakNzZ3cUGEPFtSp0w4rRltaZ",
                created_time="2026-09-30T10:00:01+00:00",
            ),
            ExpectedMessage(
                id="m_rzk7SnmLPDoZc-dpj83T4w58AkWAJL7wuM-5bgBR9JTGw9k7XfaqeknpjhWqCxHy8COOEVU4hx2b9MFS",
                created_time="2026-09-30T10:00:00+00:00",
            ),
        ),
        after=(
            "QVFIUh94WGfkpswQtVJBhNEB78gp5zhHiv98OOjwcMxzPJaAsmh8ZAUhoBz6odUrzN63xg7LuAKPLFiyiu6C9OTgfQDEZAdb"
            "lFzZA5GoZAAboL5B0H7yaAnWpIfCB0Y7O3d3p7I6ZAtGPqfsBJfyvXZD"
        ),
        more=True,
    ),
    MessagesSample(
        file="messages/empty-tail.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source="contract 5.3",
        note="An empty tail page.",
    ),
    MessagesSample(
        file="messages/created-time-unix-and-broken.json",
        platform=MESSENGER,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note="The middle one's time cannot be read: the message is there all the same.",
        messages=(
            ExpectedMessage(id="m_a", created_time="2026-09-21T14:15:00+00:00"),
            ExpectedMessage(id="m_b", unread=("created_time",)),
            ExpectedMessage(id="m_c", created_time="2026-09-21T12:34:56+00:00"),
        ),
    ),
)

MESSAGE: Final[tuple[MessageSample, ...]] = (
    MessageSample(
        file="message/story-mention-no-time.json",
        platform=INSTAGRAM,
        origin=Origin.FIXTURE,
        source="chatwoot/chatwoot@03de3c493633:spec/builders/messages/instagram/messenger/message_builder_spec.rb",
        shape="message/chatwoot-story-mention",
        message=ExpectedMessage(
            id="story-source-id-77",
            sender=("544205673406788", "ilse_marwick"),
            story=(("mention", "21736190894370918"),),
        ),
    ),
    MessageSample(
        file="message/ig-scrambled-ids.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=NAMELESS + " (API notes)",
        version="v18.0 (2024)",
        shape="message/flyerdev-ig-message-detail",
        note="Ids with ; and -: not digits, not base64.",
        message=ExpectedMessage(
            id="qwErtY77;pasdf-P8UoLWhJ_",
            created_time="2024-02-08T17:03:12+00:00",
            sender=("88213-4", "rollo_rill"),
            to=(("77213344", "studio.fennimore"),),
            text="trial message",
        ),
    ),
    MessageSample(
        file="message/empty-image-data.json",
        platform=INSTAGRAM,
        origin=Origin.FIXTURE,
        source=NAMELESS + " (Python test)",
        version="2026",
        shape="message/historysync-empty-image-data",
        note=("Attachments without ids; image_data holds nothing; the sender's id is another one than the account's."),
        message=ExpectedMessage(
            id="note",
            created_time="2026-09-14T12:00:00+00:00",
            sender=("another-id", "SHOP_OWNER"),
            text="first wording",
            attachments=(
                ExpectedAttachment(),
                ExpectedAttachment(video_url="https://cdn.example.com/clip"),
            ),
        ),
    ),
    MessageSample(
        file="message/z-timestamp.json",
        platform=INSTAGRAM,
        origin=Origin.FIXTURE,
        source=NAMELESS + " (Python test)",
        version="2026",
        shape="message/historysync-z-timestamp",
        message=ExpectedMessage(id="mz", created_time="2026-09-14T00:00:00+00:00", text="zulu"),
    ),
    MessageSample(
        file="message/documented-message.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source=IG_GUIDE,
        version="v24.0",
        shape="message/igdoc-message",
        note="Placeholders for ids are opaque strings and read well.",
        message=ExpectedMessage(
            id="aWdQQxyz...",
            created_time="2022-09-05T06:07:08+00:00",
            sender=("<AN_IGSID>", "<AN_IGSID_USERNAME>"),
            to=(("<AN_IG_ID>", "<AN_IG_USERNAME>"),),
            text="Hello Otter!",
        ),
    ),
    MessageSample(
        file="message/compact-2019.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + " (PHP comment, a Kiamo connector)",
        version="v3.2 (2019)",
        shape="message/kiamo-compact-2019",
        note="Key order follows fields=id,from,message,created_time.",
        message=ExpectedMessage(
            id="m_sQT-EtL8zlkoyQBqF6VfX15JeH4SfKiKlq1crzF4_-usRyoz_Wkzzj_VCRKIk74A_DJoqDj-Gui1XpHL7",
            created_time="2019-02-22T10:41:29+00:00",
            sender=("7751445170212288", "Agathe Rouvière"),
            text="Bonjour la bouilloire",
        ),
    ),
    MessageSample(
        file="message/ig-login-masked.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=IG_POSTMAN,
        version="v23.0 (2025-09-04)",
        shape="message/postman-ig-login-message",
        message=ExpectedMessage(
            id="messageId1",
            created_time="2025-06-14T07:12:50+00:00",
            sender=("id/igsid-of-sender", "sender_username"),
            to=(("id/igsid-of-recipient", "recipient_username"),),
            text="hey",
        ),
    ),
    MessageSample(
        file="message/image-without-message-key.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/facebook/apidata/messages/message_info.json",
        version="v10.0 (2021)",
        shape="message/pyfacebook-image-no-text",
        note="message is absent, not empty. The attachments advertise a next that leads nowhere.",
        message=ExpectedMessage(
            id="m_k6dV1pW0yc6YBfQdlrY0ep1c9DpPRmul3niiElcesOSw4XP7jTNsirLfE_vOrTUCXMgQKEkPAis-m6AI",
            created_time="2021-09-03T13:05:06+00:00",
            sender=("1457500407933791", "Ilse Marwick"),
            to=(("822818662011641", "Copper Kettle Repairs"),),
            tags=("inbox", "source:mobile"),
            attachments=(
                ExpectedAttachment(
                    id="786663709805273",
                    mime_type="image/jpeg",
                    name="image-786663709805273",
                    size=41877,
                    image_url=(
                        "https://cdn.example.com/v/t1.15752-9/786663709805273_n.jpg?_nc_cat=101&ccb=1-3&_nc_sid=5a057b&_n"
                        "c_ohc=sample&_nc_ht=cdn.example.com&oh=5462844c27ede56b947d13e00cf43c7d&oe=61A1B2C3"
                    ),
                ),
            ),
        ),
    ),
    MessageSample(
        file="message/image-with-emoji-text.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=PYFACEBOOK + "testdata/facebook/models/message.json",
        version="v10.0 (2021)",
        shape="message/pyfacebook-image-with-emoji-text",
        note="Raw UTF-8, not escaped.",
        message=ExpectedMessage(
            id="m_ddEgbq8VGgIztmTHTXjQdz0-K28nAKpe-mom-Gn503TRNNX94ERZj2otjASPMa3KuaHKcPGPG1CooJzS",
            created_time="2021-09-03T13:07:08+00:00",
            sender=("1457500407933791", "Ilse Marwick"),
            to=(("822818662011641", "Copper Kettle Repairs"),),
            text="Tea is ready!🫖",
            tags=("inbox", "source:mobile"),
            attachments=(
                ExpectedAttachment(
                    id="836209129866170",
                    mime_type="image/jpeg",
                    name="image-836209129866170",
                    size=41877,
                    image_url=(
                        "https://cdn.example.com/v/t1.15752-9/836209129866170_n.jpg?_nc_cat=101&ccb=1-3&_nc_sid=5a057b&_n"
                        "c_ohc=sample&_nc_ht=cdn.example.com&oh=a089683b25a9d9975470fb56b1ca1594&oe=61A1B2C3"
                    ),
                ),
            ),
        ),
    ),
    MessageSample(
        file="message/documented-ig-all-fields.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source=RESTFB + "v10_0/instagram-message.json",
        version="v10.0",
        shape="message/restfb-ig-all-documented-fields",
        note=("created_time is a placeholder and stays in extra; message/ig-all-fields is the same with a real time."),
        message=ExpectedMessage(
            id="<A_MESSAGE_ID>",
            sender=("<IGSID_OR_IGID>", "<A_USERNAME>"),
            to=(("<IGSID_OR_IGID>", "<A_USERNAME>"),),
            text="<SOME_TEXT>",
            is_unsupported=True,
            attachments=(
                ExpectedAttachment(
                    id="<AN_ID>",
                    name="<A_NAME>",
                    image_url="<A_CDN_URL>",
                    video_url="<A_CDN_URL>",
                    file_url="<A_CDN_URL>",
                ),
            ),
            reactions=(("love", ("<A_USERNAME>",)),),
            shares=("<A_URL>",),
            story=(("reply_to", "<A_STORY>"), ("mention", "<A_STORY>")),
            unread=("created_time",),
        ),
    ),
    MessageSample(
        file="message/ig-story-reply.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source=RESTFB + "v10_0/instagram-message-story.json",
        version="v10.0 (2021)",
        shape="message/restfb-ig-story-reply",
        note="An emoji with a skin tone; no to.",
        message=ExpectedMessage(
            id=(
                "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTU0NDIxNTAyNz"
                "IwNzMwMDcyMzM5OTozMTM1MzE3NzUyODI2MDkzMDUzMzk0MjA3NjQyMzg0ODkwMwZDZD"
            ),
            created_time="2021-08-01T19:55:10+00:00",
            sender=("890592724449653", "rollo_rill"),
            text="What a view !🙌🏽",
            story=(("reply_to", "18186938610773523"),),
        ),
    ),
    MessageSample(
        file="message/plain-tags.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=RESTFB + "v2_5/message.json",
        version="v2.5",
        shape="message/restfb-plain-tags",
        message=ExpectedMessage(
            id="m_mid.46579917:1c5750e8b09",
            created_time="2016-03-08T21:14:50+00:00",
            sender=("774825432596", "Sample Shop"),
            to=(("4760340257", "Sample Visitor"),),
            text="Trial",
            tags=("inbox", "read", "sent", "source:web"),
        ),
    ),
    MessageSample(
        file="message/sticker-empty-text.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=RESTFB + "v2_11/message-with-sticker.json",
        version="v2.11",
        shape="message/restfb-sticker-empty-text",
        note="No created_time.",
        message=ExpectedMessage(
            id="m_mid.24015736:4d9a81e358d0",
            sender=("917645802", "Sample Visitor"),
            to=(("245469005", "Sample Shop"),),
            text="",
            sticker="https://cdn.example.com/a-sticker.png",
        ),
    ),
    MessageSample(
        file="message/video-attachment-no-url.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source="https://github.com/restfb/restfb/issues/250",
        version="v2.3 (2015)",
        shape="message/restfb250-video-attachment-no-url",
        note="A fragment kept without its id: a video with no URL of any kind.",
        unreadable="$.id",
    ),
    MessageSample(
        file="message/m-mid-dollar-2017.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS + " (JS literal)",
        version="v2.10 (2017)",
        shape="message/testbot-m-mid-dollar-2017",
        message=ExpectedMessage(
            id="m_mid.$cAAE2r_eN1ZWQ_sOtmb6Xs",
            created_time="2017-09-11T07:30:02+00:00",
            sender=("40298599141736793", "Nell Ash-Barrow"),
            text="Greetings from the workbench",
        ),
    ),
    MessageSample(
        file="message/created-time-unix-int.json",
        platform=MESSENGER,
        origin=Origin.RECORDED,
        source=NAMELESS,
        version="2016",
        shape="message/jcommon-created-time-int",
        note="Seconds since 1970 in UTC.",
        message=ExpectedMessage(
            id="m_mid.8203795852370:91144c9f5f4892b58a",
            created_time="2016-04-07T03:33:20+00:00",
            sender=("1457500407933791", "Ilse Marwick"),
            to=(("822818662011641", "Copper Kettle Repairs"),),
            text="",
            attachments=(
                ExpectedAttachment(
                    id="261714122913069",
                    mime_type="image/png",
                    name="plan.png",
                    size=2048,
                    image_url="https://cdn.example.com/plan.png",
                ),
            ),
        ),
    ),
    MessageSample(
        file="message/attachment-kinds.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=NAMELESS,
        shape="message/livemap-attachment-kinds",
        message=ExpectedMessage(
            id="m_kinds",
            created_time="2026-07-07T07:07:07+00:00",
            text="",
            attachments=(
                ExpectedAttachment(id="1", mime_type="image/jpeg", image_url="https://cdn.example.com/1.jpg"),
                ExpectedAttachment(id="2", mime_type="video/mp4", video_url="https://cdn.example.com/2.mp4"),
                ExpectedAttachment(
                    id="3", mime_type="audio/mpeg", name="voice.mp3", file_url="https://cdn.example.com/3.mp3"
                ),
                ExpectedAttachment(id="4", name="something"),
            ),
        ),
    ),
    MessageSample(
        file="message/ig-empty-text.json",
        platform=INSTAGRAM,
        origin=Origin.RECORDED,
        source="Ckster/MessageMate@c2751c8:MessageMate/InboxView.swift",
        version="v9.0 (2023)",
        shape="message/messagemate-ig-empty-text",
        note="Media sent on Instagram: the text is empty and nothing else says so.",
        message=ExpectedMessage(
            id=(
                "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTgyOTc2MzI1Nj"
                "U5OTcwMDczODM3OTozNjU0ODY1ODA2NDE5NTY0NjIxODc1MjI0NDgyNzEyODU1NQZDZD"
            ),
            created_time="2023-04-02T11:08:59+00:00",
            sender=("544205673406788", "ilse_marwick"),
            to=(("17841666859660888", "copper.kettle.repairs"),),
            text="",
        ),
    ),
    MessageSample(
        file="message/eu-privacy-stripped-attachment.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source=RESTFB + "v7_0/message-eu.json",
        version="v7.0",
        shape="message/restfb-eu-privacy-stripped-attachment",
        note="An attachment of id and name only.",
        message=ExpectedMessage(
            id="m_g52jTkFRNN9WueMf0IqwZ2azZzq8WwANkWnyDzB7Ky86boetMnYb5UdedReGqXJhh1WTPg00BtsZoPma",
            created_time="2021-01-12T12:12:12+00:00",
            text="",
            attachments=(
                ExpectedAttachment(
                    id="958133105860663",
                    name="Media not available due to new privacy rules in Europe. Learn more at https://example.com/help",
                ),
            ),
        ),
    ),
    MessageSample(
        file="message/generic-template-attachment.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source="restfb/restfb@ca24c19d42fa (path not recorded)",
        shape="message/restfb-generic-template-attachment",
        note="An attachment with neither id nor mime_type.",
        message=ExpectedMessage(
            id="m_rd7IdbXiiyfXQruP9WLxtX7rgp6h-xUQUcc7k_LzJQ2ogXG6FMigR7WSzCCcEdppXW3ItphwUnSjVv7R",
            created_time="2021-02-03T04:05:06+00:00",
            text="",
            attachments=(ExpectedAttachment(),),
        ),
    ),
    MessageSample(
        file="message/share-with-nulls.json",
        platform=MESSENGER,
        origin=Origin.FIXTURE,
        source="restfb/restfb@ca24c19d42fa (path not recorded)",
        shape="message/restfb-share-with-nulls",
        message=ExpectedMessage(
            id="m_vpJ0U5dX6LJ-CV6dIdoIAcKdfF3Fbiz_x0AL_E-IQaBNArIAf9O2hpkWBVpr2nKQLqg_4ukrfBdWz5MU",
            created_time="2020-05-05T05:05:05+00:00",
            text="",
            shares=("https://news.example.com/kettles",),
        ),
    ),
    MessageSample(
        file="message/ig-all-fields.json",
        platform=INSTAGRAM,
        origin=Origin.DOCUMENTED,
        source="contract 2.2",
        note='is_unsupported is the string "true": it means true.',
        message=ExpectedMessage(
            id=(
                "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTY3NDQ1MTU4MT"
                "QzODA3MzQwNDAwOTozNDg1NDUxNzMwMzMxMDQ3MzExNTQxNTc2Mjk5MzU3Mjg5MQZDZD"
            ),
            created_time="2026-10-03T10:20:30+00:00",
            sender=("544205673406788", "ilse_marwick"),
            to=(("17841666859660888", "copper.kettle.repairs"),),
            text="this one?",
            is_unsupported=True,
            attachments=(
                ExpectedAttachment(
                    id="<AN_ID>",
                    name="<A_NAME>",
                    image_url="<A_CDN_URL>",
                    video_url="<A_CDN_URL>",
                    file_url="<A_CDN_URL>",
                ),
            ),
            reactions=(("love", ("<A_USERNAME>",)),),
            shares=("<A_URL>",),
            story=(("reply_to", "<A_STORY>"), ("mention", "<A_STORY>")),
        ),
    ),
    MessageSample(
        file="message/reply-to.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 2.2",
        message=ExpectedMessage(
            id="m_VwkoKl0DDbozAOyJetE4wjYCmJLFICvVgjwXUkUcf-axWe_XEXa3FTeqsUACX-x5HoRPz1Inl6ZOCxKv",
            created_time="2026-10-03T10:20:31+00:00",
            text="yes",
        ),
    ),
    MessageSample(
        file="message/id-and-time-only.json",
        platform=MESSENGER,
        origin=Origin.DOCUMENTED,
        source="contract 2.2",
        message=ExpectedMessage(
            id="m_aZ-uPvqF5sd8TmrA48oSL6bBfNLhKFwHsoSU5jIeECfa53aOPcUPFar7A7bArcq4BfIreaC9JaCrVnk-",
            created_time="2026-10-03T10:20:32+00:00",
        ),
    ),
    MessageSample(
        file="message/unsupported-string-false.json",
        platform=INSTAGRAM,
        origin=Origin.IMAGINED,
        source=FAMILY,
        note='The string "false" is false, whatever bool() thinks.',
        message=ExpectedMessage(
            id=(
                "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNjY2ODU5NjYwODg4OjM0MDI4MjM2Njg0MTcxMDMwMTE4MTMwNDE1NT"
                "gxMjE2MjgxNzQ5NDozMjg5MTUwNDY5MDgzNzkyNzcyNjc1NDE1MjgzNjMwODIwOQZDZD"
            ),
            created_time="2026-10-03T10:20:33+00:00",
            is_unsupported=False,
        ),
    ),
)
