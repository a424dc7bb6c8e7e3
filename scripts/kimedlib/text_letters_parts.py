"""Building blocks of invented clinical letters, German first: sentences with places for identifiers, and trap words.

Written for this generator from general knowledge of such letters; no sentence stems from a corpus. `{...}` names a slot of
`text_letters`; what looks like a name and is none (Parkinson, Crohn, Herz-ASS) stands in the sentences on purpose.
"""

HEADS = (
    "{hospital}\n{department}\n{role}: {title} {doctor}\n{street}, {zip} {city}\nTel.: {phone}\nFax: {fax}\n\n",
    "{hospital}\n{department}\n\n{street} · {zip} {city}\nTelefon {phone}, Telefax {fax}\nE-Mail: {email}\n\n{city}, {date}\n\n",
    "{HOSPITAL}\nAkademisches Lehrkrankenhaus\n{role} {title} {doctor}\n\n{street}\n{zip} {city}\nTel {phone}\n\n",
    "{title} {doctor}\nFacharzt für {field}\n{street}\n{zip} {city}\nTel. {phone} Fax {fax}\n{url}\n\n{date}\n\n",
    "{hospital} - {department}\nStation: {ward}  Zimmer {room}\nDatum: {date}\n\n",
    "Arztbrief\n\n", "Entlassungsbrief {date}\n\n", "Ambulanter Befundbericht\n{hospital}, {department}\n\n", "Kurzarztbrief vom {date}\n",
    "{hospital} ({city}) – Sekretariat {phone}\nUnser Zeichen: {id}\n\n", "An das\n{hospital}\n{street}\n{zip} {city}\n\n",
)
ADDRESSEES = (
    "Herrn\n{title} {doctor}\n{street}\n{zip} {city}\n\n", "Frau\n{title} {doctor}\nFachärztin für {field}\n{street}\n\n{zip} {city}\n\n",
    "An {title} {doctor}, {street}, {zip} {city}\n\n", "Praxis {title} {doctor2}\n{street}\n{zip} {city}\nFax: {fax}\n\n", "", "", "",
    "Nachrichtlich: {title} {doctor}, {city}\n\n",
)
SUBJECTS = (
    "Betr.: {patient}, geb. {birth}, {street}, {zip} {city}\n\n", "{patient}, * {birth}, wohnhaft {street}, {zip} {city}\n\n",
    "Patient: {patient_reversed}\ngeb. am {birth}\nFallnummer: {id}\nVersicherung: {insurer}, {kvnr}\n\n",
    "Name: {patient_reversed} geb.: {birth} PID {id}\nAdresse: {street} {zip} {city}\nTel.: {phone}\n\n",
    "Pat.: {PATIENT_REVERSED} ({birth})  Aufn.-Nr. {id}\n\n", "{salutation} {patient} *{birth}\nPatientennr. {id}\tAuftragsnr. {id}\n\n",
    "wir berichten über {salutation} {patient}, geboren am {birth}, wohnhaft in {zip} {city}, {street}.\n\n",
    "Bericht über den Patienten\t{patient}\nGeburtsdatum\t{birth}\nVersicherungsnummer\t{svnr}\n\n",
    "Nachname: {last}\nVorname: {first}\nGeb.-Datum: {birth}\nIBAN: {iban}\nTelefon privat: {phone}\n\n",
)
GREETINGS = (
    "Sehr geehrte Frau Kollegin {doctor_last}, sehr geehrter Herr Kollege,\n\n", "Sehr geehrter Herr {title} {doctor_last}!\n\n",
    "Sehr geehrte Kolleginnen und Kollegen,\n\n", "Lieber Herr Kollege {doctor_last},\n\n", "Werter Herr Kollege!\n", "",
    "Sehr geehrte Damen und Herren,\n\n", "Sehr geehrte Frau {title} {doctor_last},\n",
)
OPENINGS = (
    "wir berichten über {salutation} {last}, {die} sich vom {date} bis zum {date} in unserer stationären Behandlung befand.\n\n",
    "über {salutation} {patient}, {die} am {date} in unserer Ambulanz vorstellig wurde, berichten wir wie folgt.\n\n",
    "{salutation} {last} befand sich von {day_month} bis {date} auf Station {ward}.\n\n", "vielen Dank für die Zuweisung von {salutation} {last}.\n\n",
    "Ihr Patient stellte sich am {date} zur Kontrolle vor; zuletzt war er {month_year} bei uns.\n\n", "Aufenthalt: {date} - {date}\n\n",
)
DIAGNOSES = (
    "Morbus Parkinson, ED {year} (G20.1)", "M. Crohn (K50.1), seit {year}", "Z. n. Hodgkin-Lymphom {month_slash}", "Diabetes mellitus Typ 2 (E11.9)",
    "KHK, Stent RIVA {month_slash}", "Alzheimer-Demenz (F00.1*)", "M. Bechterew (M45.0)", "St. p. Hemikolektomie rechts ({date})",
    "Vorhofflimmern, CHA2DS2-VASc 4", "Basedow-Struma", "Sudeck-Dystrophie rechte Hand {month_year}", "Dupuytren-Kontraktur Dig. IV",
    "COPD GOLD III (J44.1)", "Mammakarzinom pT2 pN1a M0, G2 (C50.4), ED {month_year}", "Art. Hypertonie (I10.90)", "Marfan-Syndrom",
    "Schenkelhalsfraktur links am {day_month}", "Raynaud-Phänomen", "Z. n. Appendektomie {year}", "Quervain-Thyreoiditis", "Barrett-Ösophagus",
    "Hashimoto-Thyreoiditis ({year})", "Guillain-Barré-Syndrom {month_slash}", "Niereninsuffizienz Stadium 3 nach KDIGO", "Morbus Wilson",
)
FINDINGS = (
    "Lasègue beidseits negativ, Babinski negativ.", "Murphy-Zeichen positiv, McBurney druckschmerzhaft.", "RR 135/80 mmHg, Puls 72/min, Temp. 36,8 °C.",
    "EKG vom {date}: Sinusrhythmus, Lagetyp nach Cabrera, Sokolow-Index negativ.", "Labor vom {date}: Hb 12,4 g/dl, CRP 14 mg/l, Krea 1,1 mg/dl.",
    "Röntgen-Thorax ({date}): kein Infiltrat.", "CT Abdomen vom {day_month}: keine Filiae.", "Histologie Nr. {id}: tubuläres Adenom.",
    "Sonographie ({examiner}): Leber unauffällig, Pfortader nach Doppler offen.", "Duplexsonographie am {date} durch {title} {doctor_last}: Stadium IIb nach Fontaine.",
    "Rinne-Test positiv, Weber nicht lateralisiert.", "Mini-Mental-Test 24/30, Barthel-Index 65, Tinetti 18.", "Gleason 7 (3+4), PSA 6,2 ng/ml.",
    "Tinel- und Phalen-Test rechts positiv.", "Child-Pugh A, Karnofsky 80 %, ECOG 1.", "Langerhans-Inseln und Kupffer-Zellen unauffällig.",
    "Helicobacter negativ, Los Angeles B.", "Trendelenburg negativ, Thomas-Handgriff frei.", "NYHA II, EF 45 %, E/A 0,8.", "Na 139, K 4,2, TSH 2,1 µU/ml (0,4-4,0).",
)
COURSES = (
    "{salutation} {last} wurde am {date} von {title} {doctor_last} operiert; der Verlauf war komplikationslos.", "{the_patient} gab an, seit {month_year} Schmerzen zu haben.",
    "Die {age}-jährige Patientin lebt mit ihrem Ehemann {relative} in {city}.", "Der {age}-jährige Patient ist {profession} und wohnt in {city}.",
    "Die Mutter, Frau {relative}, war bei der Aufnahme dabei (Tel. {phone}).", "Am {date} Verlegung in das {hospital}.", "Wir danken Herrn {title} {doctor} für das Konsil vom {day_month}.",
    "{first} war unruhig, {first} schlief erst gegen 2 Uhr ein.", "Tochter {relative_first} wünscht einen Anruf unter {phone}.", "Kontrolle am {date} um 9.30 Uhr bei {title} {doctor_last}.",
    "Drainage nach Redon am {day_month} entfernt, Kirschner-Drähte in {weeks} Wochen.", "Anlage einer Roux-Y-Anastomose, Whipple-Operation am {date}.", "Rehabilitation im {hospital} ab {day_month} geplant.",
    "Im Alter von {age} Jahren Schlaganfall, damals Behandlung im {hospital} in {city}.", "Hb 8,2 g/dl, daher 2 EK am {date}; Marcumar pausiert.", "Die Nahtentfernung erfolgt beim Hausarzt {title} {doctor_last}.",
    "Fr. {last} arbeitete bis {year} als {profession} bei der {organisation}.", "{title} {doctor_last} empfahl 20 mg Prednisolon für {weeks} Wochen.", "Eine Reise nach {country} im {month_year} wurde berichtet.",
    "Der Pat. wurde {date} nach Hause entlassen.", "Befunde gingen per Fax an {fax}, Rückfragen an {email}.", "Bei Herrn {initial} bestand kein Fieber.", "Histologie ({id}) vom {date} angefordert.",
    "Frau {last} entfernte sich am {weekday}, den {date}, von der Station {ward}.", "Gegen 14.30 Uhr kollabierte Herr {last} am {day_month} auf dem Gang.",
    "Zuletzt betreut im {hospital} (OA {title} {doctor_last}), Aktenzeichen {id}.",
)
DRUGS = (
    "Herz-ASS 100 mg 1-0-0", "Pantoprazol 40 mg 1-0-1", "Ramipril 5 mg 1-0-0", "L-Thyroxin 75 µg 1-0-0", "Madopar 125 mg 1-1-1", "Marcumar nach INR", "Metformin 1000 mg 1-0-1",
    "Bisoprolol 2,5 mg 1-0-0", "Novalgin 30 Tr. bei Bedarf", "Simvastatin 20 mg 0-0-1", "Salofalk 500 mg 2-2-2", "Remicade alle 8 Wochen", "Torem 10 mg 1-0-0", "Aspirin protect 100 1x1",
    "Eliquis 5 mg 1-0-1", "Clexane 40 mg s.c. bis {day_month}", "Augmentan 875/125 mg 1-0-1 bis {date}", "Decortin H 20 mg 1-0-0", "Viani Diskus 2x1", "Fraxiparin 0,3 bis {date}",
)
CLOSINGS = (
    "Mit freundlichen kollegialen Grüßen\n\n{title} {doctor}\t{title} {doctor}\n{role_name}\tAssistenzärztin\n", "Mit freundlichen Grüßen\n\n{title} {doctor}\n{role_name}\n",
    "gez. {title} {doctor}\n", "Mit besten Grüßen\n{title} {doctor_last}\n", "MfG\n{doctor_initial}\nOberarzt\n", "{title} {doctor}, {title_after}\n{role_name}\n\n{doctor2}\n",
    "elektronisch freigegeben am {date} durch {title} {doctor} ({username})\n", "{city}, am {date}\n\n{title} {doctor_reversed}\n", "Untersucher: {title} {doctor_last} / OA {title} {doctor_reversed}\n",
)
NOTES = (
    "{date} Pflegebericht\n{time} Pat. {last} klagt über Übelkeit, MCP 10 mg i.v. {doctor_initial}\n", "Visite {day_month}: {salutation} {last} wach, Wunde reizlos. Procedere: Mobilisation. {doctor_last}\n",
    "Konsil {field}: erbeten von {title} {doctor_last}, Station {ward}, DW {extension}.\n", "Op-Bericht vom {date}\nOperateur: {title} {doctor}\nAssistenz: {doctor2}\nAnästhesie: {title} {doctor_last}\n",
)
ENGLISH = (
    "Discharge Summary\n{hospital}\nPatient: {patient}  DOB: {birth}  MRN: {id}\nAdmitted: {date}  Discharged: {date}\n\n"
    "Mr {last} is a {age}-year-old {profession} with Parkinson's disease and Crohn's disease. Seen by Dr {doctor_last} on {date}.\n"
    "Medication: aspirin 75 mg, warfarin per INR.\nContact: {phone}, {email}\n\nSigned, {title} {doctor}\n",
)
DEPARTMENTS = (
    "Klinik für Innere Medizin", "Abteilung für Unfallchirurgie", "Urologische Abteilung", "Institut für Radiologie", "Klinik für Neurologie", "Frauenheilkunde und Geburtshilfe",
    "Abteilung für Anästhesie und Intensivmedizin", "Klinik für Dermatologie", "Medizinische Klinik II", "Zentrum für Kinder- und Jugendmedizin", "Pathologie", "Psychiatrie",
)
FIELDS = ("Innere Medizin", "Chirurgie", "Neurologie", "Urologie", "Orthopädie", "Allgemeinmedizin", "Radiologie", "HNO", "Gynäkologie", "Kardiologie", "Dermatologie")
TITLES = (
    "Dr.", "Dr. med.", "Prof. Dr.", "Prof. Dr. med.", "PD Dr.", "Priv.-Doz. Dr. med.", "Univ.-Prof. Dr.", "Dr.med.", "Dr. med. univ.", "Prim. Dr.", "Dr. Dr.", "Mag. Dr.", "Dipl.-Med.",
    "Prof.Dr.", "Univ. Prof. DDr.", "Dr. rer. nat.", "Doz. Dr.", "Prof. Dr. h.c.",
)
SECTIONS = ("Diagnosen:", "Diagnose", "DIAGNOSEN", "Befund:", "Anamnese:", "Therapie und Verlauf:", "Epikrise", "Medikation bei Entlassung:", "Procedere:", "Beurteilung:", "Zusammenfassung")
HOSPITAL_FORMS = (
    "Klinikum {town}", "Universitätsklinikum {town}", "Krankenhaus {town}", "St.-{saint}-Krankenhaus {town}", "Kreiskrankenhaus {town}", "LKH {town}", "Krankenhaus der {order} {town}",
    "{saint}-Hospital", "{saint}klinik", "Rehazentrum {town}", "Klinik am {nature}", "Medizinische Universität {town}", "Sankt {saint} Spital", "Evangelisches Krankenhaus {town}", "Fachklinik {nature}",
    "Universitätsklinik für Innere Medizin {town}", "MVZ {town}", "Praxis {title} {doctor_last}", "Landesklinikum {town}", "AKH {town}", "Klinik für Chirurgie des {saint}-Krankenhauses {town}",
)
SAINTS = ("Anna", "Josef", "Elisabeth", "Marien", "Vinzenz", "Georg", "Barbara", "Hedwig", "Lukas", "Antonius", "Johannes", "Franziskus", "Katharina", "Martin", "Agnes", "Rochus")
ORDERS = ("Barmherzigen Brüder", "Elisabethinen", "Barmherzigen Schwestern", "Ursulinen", "Malteser", "Johanniter", "Diakonie")
NATURES = ("See", "Park", "Waldrand", "Rosenhügel", "Stadtwald", "Schlosspark", "Kurpark", "Südhang", "Hohen Stein", "Wiesengrund")
INSURERS = ("Nordkasse", "Kasse Mitte", "Landeskasse Süd", "Betriebskasse Werk")
TITLE_AFTER = ("MBA", "MSc", "PhD", "FACS")
